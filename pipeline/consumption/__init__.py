"""Measures what stages and commands use: CPU, memory, disk, energy."""
