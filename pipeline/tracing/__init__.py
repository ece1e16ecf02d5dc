"""`waybill why`: what became of a document, and what an answer of the API was made from."""
