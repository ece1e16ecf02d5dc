"""Announces what a command works on to a listener, such as the one that sends OpenLineage events."""
