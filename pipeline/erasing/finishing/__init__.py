"""Takes an erasure from the raw tables to everything else: each step can be repeated, and none needs the keys."""
