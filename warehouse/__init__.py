"""PostgreSQL: settings, connection, the embedded server, the raw and ledger tables."""
