"""Writes documents and their accounting to PostgreSQL, a transaction at a time."""
