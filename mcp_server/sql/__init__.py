"""Databases: what runs queries, on SQLite files or on a MySQL or MariaDB server, and where that server is."""
