"""Turns the tree of paths into draft tables and columns, which have no names yet."""
