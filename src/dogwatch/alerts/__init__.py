"""Alerts and incidents: what they are, how they are named, and the ledger that keeps each of them once."""
