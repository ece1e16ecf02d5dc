"""Finds columns that hold keys of marts: of other sources, and of the source itself."""
