"""Fits and measures the candidates of a task: classes of the label, encoders, metrics, comparison."""
