"""Stores predictions: a table with one row per key and model, and a view of the current model's rows."""
