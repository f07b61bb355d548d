"""What run.py does: virtual environments with pinned versions, and the commands that run in them."""
