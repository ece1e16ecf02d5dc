"""Models a new source: reads all of its documents, decides on key, types and tables, and writes the files."""
