"""Erases rows from what is made of them by models: predictions, answers, evaluated rows, and what a model names."""
