"""Proposes a task for a mart: label, features, split and candidates, each with its reason."""
