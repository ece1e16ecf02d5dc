"""Adds fields that arrived later to a source that is modelled already."""
