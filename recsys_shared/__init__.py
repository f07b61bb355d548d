"""What server and agent both need and neither owns. It imports nothing of either, and of libraries only what a module
names in its first lines.
"""
