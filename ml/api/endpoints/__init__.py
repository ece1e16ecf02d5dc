"""The routes of the prediction API."""
