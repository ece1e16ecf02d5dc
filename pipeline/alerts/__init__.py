"""Says what needs attention: `waybill check` and the end of each run print alerts and send them on."""
