"""Serves the current model of each task over HTTP: prediction by key or with features given."""
