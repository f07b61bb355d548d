"""Code that the server and the agent share. It imports nothing of either, and no library unless a module names it
in its first lines.
"""
