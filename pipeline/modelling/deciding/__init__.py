"""Decides how a source is modelled, from its profile: key, version, tables, columns and their types, each with evidence."""
