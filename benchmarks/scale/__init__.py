# waybill: sample
"""Measures how time, memory and disk space grow with the data."""
