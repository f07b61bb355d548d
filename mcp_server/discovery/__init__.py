"""Discovery: a dataset.yaml proposed for files or tables that nobody has described yet."""
