"""Regular expressions over text that strangers typed, matched in linear time or refused."""
