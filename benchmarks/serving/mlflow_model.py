# waybill: sample
"""The model as MLflow serves it, without a schema to check; run with a file and a folder, it saves it in MLflow's form.

It runs in MLflow's own environment, with the project's folder on its path, from which the model's classes are loaded.
"""

from __future__ import annotations

import sys
from typing import Any

import joblib
import mlflow
from mlflow.pyfunc import PythonModel

from ml.learning.precision import use_double_precision


class Pipeline(PythonModel):  # type: ignore[misc]
    """The fitted pipeline."""

    def load_context(self, context: Any) -> None:
        """Load the file of the model."""
        self.pipeline = joblib.load(context.artifacts["model"])
        use_double_precision(self.pipeline)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Return the probability of each row of a data frame."""
        return self.pipeline.predict_proba(model_input)[:, 1]


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[2], python_model=__file__, artifacts={"model": sys.argv[1]}, pip_requirements=[])
else:
    mlflow.models.set_model(Pipeline())
