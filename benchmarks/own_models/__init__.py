"""Real record sets from raw JSON to a model, beside a plain scikit-learn baseline on the same rows and split."""
