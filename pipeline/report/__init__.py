"""Writes the report page, and beside it the page of single documents."""
