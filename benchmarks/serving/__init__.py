# waybill: sample
"""Compares the prediction API with MLflow's scoring server and a naive FastAPI app, on the same model and rows."""
