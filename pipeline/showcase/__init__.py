# waybill: sample
"""The demo and the live stream: the pipeline on sample data, each in its own database."""
