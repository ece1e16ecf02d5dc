"""Runs dbt on the warehouse and keeps its results."""
