"""What every package needs: settings, errors, command-line handling, files, processes. Imports no other package."""
