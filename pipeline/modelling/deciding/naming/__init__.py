"""Names tables and columns by rules that depend on no order."""
