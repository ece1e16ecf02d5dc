"""Great Expectations at the two edges: raw after the load, marts before training."""
