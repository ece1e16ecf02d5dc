"""Folds documents into the tree of a profile, chunk by chunk."""
