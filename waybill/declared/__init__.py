"""Reads what the project declares in YAML, and describes what is wrong with it."""
