"""Reads the rows of a task from its mart into the frame that training and scoring work on."""
