"""The catalogue in SQL: items, users, interactions, and the vocabulary of names."""
