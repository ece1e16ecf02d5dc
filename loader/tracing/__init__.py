"""Answers what became of a document, and which document a mart row was made from."""
