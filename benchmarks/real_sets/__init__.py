"""Real record sets of many shapes, which npm packages carry, from `waybill new` to tested marts."""
