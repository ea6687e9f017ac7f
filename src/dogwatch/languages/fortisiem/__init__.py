"""FortiSIEM's filters (``SingleEvtConstr``) and aggregates (``GroupEvtConstr``)."""
