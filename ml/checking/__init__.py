"""Checks whether a model still fits the data it learnt from: hashes of the training rows and staleness."""
