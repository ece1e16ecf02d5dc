"""Restores a backup: brings back its files and its database, erases again, and checks that all of it came back."""
