"""Compares the rows that arrived since training with those a model learnt from, and measures it when labels land."""
