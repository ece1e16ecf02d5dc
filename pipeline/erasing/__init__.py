"""Erases documents by key from everything that the pipeline made of them."""
