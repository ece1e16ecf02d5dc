"""Encodes rows for classifiers: categories as codes, numbers by rank, one matrix for each candidate."""
