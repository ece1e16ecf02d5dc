"""Trains a model for a declared task, predicts with it, and knows the rows that it learnt from."""
