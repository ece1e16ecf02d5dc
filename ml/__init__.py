"""Tasks, training, scoring, and the binding of a model to the rows that it learnt from."""
