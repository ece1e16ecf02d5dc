"""PostgreSQL: settings, connection, the embedded server, the raw and ledger tables."""

from warehouse.ctrl_c import heed

heed()
