"""Types of the values at a path, and what was observed of them."""
