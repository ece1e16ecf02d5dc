# waybill: sample
"""Builds the sample: a year of real flights as source systems would send them, with planted faults."""
