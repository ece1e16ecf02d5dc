"""Models a source of one's own: reads all of its documents, decides on key, types and tables, and writes the files."""
