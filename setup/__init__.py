"""Set-up on bare Python: runs before any package is installed, so it imports the standard library only."""
