"""Turns the bytes of an input into documents."""
