"""The command line: one file a command, and the formats that they print."""
