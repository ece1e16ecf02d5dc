"""Exports the marts as cleaned, nested JSON."""
