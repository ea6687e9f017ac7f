"""Linux audit records: parsed, joined into events, worded in the Elastic Common Schema."""
