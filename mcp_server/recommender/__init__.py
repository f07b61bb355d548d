"""Scoring and ranking items for a user: trained artifacts, their models at serving time, and their training."""
