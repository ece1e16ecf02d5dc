"""Forward migrations of the warehouse's tables (Alembic). README.md in this folder says how to add one."""
