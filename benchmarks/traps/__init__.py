# waybill: sample
"""Documents with the traps of schema generators, and what Waybill keeps of them."""
