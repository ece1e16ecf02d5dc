"""What documents hold that the files of their source do not fit, and the command that adapts these."""
