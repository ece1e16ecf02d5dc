"""Decides for each document whether it can be landed, and if not, why it is rejected."""
