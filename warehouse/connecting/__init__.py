"""What every connection to PostgreSQL has in common: session settings, libpq's variables, reasons of a refusal."""
