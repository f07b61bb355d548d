"""Benchmarks: commands that print tables. They assert nothing; machines are noisy, so read the ratios."""
