"""Finds out what has changed since work was last done, so that it is not done again for the same."""
