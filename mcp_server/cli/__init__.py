"""The command line: each command has a module with its options and its work."""
