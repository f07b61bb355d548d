"""Scoring and ranking items for a user: trained artifacts and their models at serving time."""
