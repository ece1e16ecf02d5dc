"""Traces a document from its source bytes to marts and predictions, and a mart row back to its document."""
