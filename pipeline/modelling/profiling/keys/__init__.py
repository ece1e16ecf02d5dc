"""Finds the fields that tell documents apart, by 128-bit hashes on disk."""
