"""Renames a source: its files, its tables, and what ledger and dbt know of it, in one step that is safe to repeat."""
