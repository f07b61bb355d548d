"""Reading a dataset with DuckDB: its files and databases, their rows, and the records made of them."""
