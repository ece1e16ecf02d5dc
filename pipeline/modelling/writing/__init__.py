"""Writes the project files of a designed source, each module one kind of file."""
