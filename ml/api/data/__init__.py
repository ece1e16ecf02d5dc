"""The API's side of the database: it reads features by key, and stores every answer in the background."""
