# waybill: sample
"""The sample's model: its figures beside an earlier probe's, and what training and scoring cost."""
