"""The work of run.py: virtual environments with pinned versions, and the commands that run in them."""
