"""Erases documents by their keys from raw tables and the ledger, and recognises erased keys when they arrive again."""
