"""Checks for each document whether it can be landed, or for which reason it is rejected."""
