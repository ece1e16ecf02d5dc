"""Builds the sample: a year of real flights as an airline's systems would send them, with planted dirt."""
