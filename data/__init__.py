"""Holds raw input and cleaned output."""
