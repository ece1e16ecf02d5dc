"""Writes the model card: what each task's model predicts, how well, for whom worse, and where that is known from."""
