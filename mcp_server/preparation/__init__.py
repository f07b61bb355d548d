"""Preparing: from a dataset's files to a state that can be served."""
