"""Reads all documents of a new source and counts what is at each path."""
