"""PostgreSQL: connections, the embedded server, logins, migrations, the ledger and the record of runs."""
