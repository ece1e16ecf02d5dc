# waybill: sample
"""The API as a notebook's author writes it: FastAPI, `pipeline.predict_proba(DataFrame)`. Arguments: file, port."""

from __future__ import annotations

import sys

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from ml.learning.precision import use_double_precision

pipeline = joblib.load(sys.argv[1])
use_double_precision(pipeline)
app = FastAPI()


class Request(BaseModel):
    """Rows with their features."""

    features: list[dict[str, float | str | None]]


@app.post("/predict")
def predict(request: Request) -> dict[str, list[float]]:
    """Return the probability of each row."""
    return {"predictions": pipeline.predict_proba(pd.DataFrame(request.features))[:, 1].tolist()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
