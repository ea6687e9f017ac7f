"""Detection: one rule over one stretch of events gives alerts or incidents; one module a rule type."""
