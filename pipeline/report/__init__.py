"""The report page and the page of document histories beside it."""
