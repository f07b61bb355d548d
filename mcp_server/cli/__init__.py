"""The command line: one module a command, with what it takes and what it does."""
