"""Tries a restore out on a scratch server that is removed afterwards."""
