"""A dataset: its specification, the files that it is read from, its records, and the facts about it."""
