"""Runs the stages in order, measures the resources they use, exports the marts and writes the report page."""
