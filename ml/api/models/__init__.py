"""The models that the API serves: loaded, verified, exchanged while requests run, and fast for a single row."""
