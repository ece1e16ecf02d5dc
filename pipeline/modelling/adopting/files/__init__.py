"""Applies the difference between two designs to the files of a source."""
