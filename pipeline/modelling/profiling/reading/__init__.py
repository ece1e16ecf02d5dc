"""Reads all documents of files, folders, standard input or a raw table, as often as needed."""
