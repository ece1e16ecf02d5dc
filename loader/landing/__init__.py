"""Lands documents and their accounting in PostgreSQL, one transaction at a time."""
