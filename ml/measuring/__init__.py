"""Measures predictions: metrics, curves and how certain they are."""
