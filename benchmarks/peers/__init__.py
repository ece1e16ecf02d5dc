# waybill: sample
"""The peers that Waybill is compared with; most run in their own environment."""
