"""What a restore does to a database: marks it as unfinished, empties it, gives the roles their tables and rights."""
