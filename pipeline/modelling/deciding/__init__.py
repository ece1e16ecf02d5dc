"""Decides from its profile how a source is modelled: key, version, tables, columns and types, each with evidence."""
