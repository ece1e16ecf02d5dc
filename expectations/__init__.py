"""Runs the two Great Expectations gates: raw tables after the load, marts before training."""
