"""What the expectations of a generated source check: queries, bounds and checks, from what was observed."""
