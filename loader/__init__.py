"""Lands raw JSON files in raw tables: frames documents, checks them against contracts, accounts for each one."""
