"""The producer: sends the documents of files to a topic and waits until each is acknowledged."""
