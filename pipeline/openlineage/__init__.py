"""Sends OpenLineage events about what the stages read, write and check: START and a terminal event each."""
