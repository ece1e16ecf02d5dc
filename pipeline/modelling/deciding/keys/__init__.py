"""Chooses the key and the version of a source."""
