"""Backs up the warehouse with its models and declarations, restores it, and tries a restore out."""
