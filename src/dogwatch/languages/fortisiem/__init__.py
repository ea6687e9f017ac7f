"""FortiSIEM's pattern clauses: filters (``SingleEvtConstr``), aggregates (``GroupEvtConstr``), relations."""
