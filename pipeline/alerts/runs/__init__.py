"""Judges the runs: when the last one ended, which of its stages failed, and whether one is at work now."""
