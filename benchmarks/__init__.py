"""Benchmarks: Waybill and its peers measured in one run; each command prints a table of medians."""
