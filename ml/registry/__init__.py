"""Keeps the models of a task side by side: saves and loads them with their manifests."""
