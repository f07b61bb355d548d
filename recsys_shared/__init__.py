"""What server and agent both need and neither owns. It imports nothing of either, and at import the standard library
alone.
"""
