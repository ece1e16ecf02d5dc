"""Lists the models of a task, from their folders and from what the warehouse holds of them."""
