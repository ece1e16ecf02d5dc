"""Undoes batches: their raw rows go, and the ledger keeps the batches with who undid them, when and why."""
