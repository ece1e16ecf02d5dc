"""Rewrites tables, statistics and server files, so that no byte of a deleted row is left in them."""
