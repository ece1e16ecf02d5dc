"""Decides for each document whether it can be landed, or why it is rejected."""
