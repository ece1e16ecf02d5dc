"""Makes a backup: chooses its folder, dumps the database, copies models and project files, deletes old backups."""
