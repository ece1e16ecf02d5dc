"""The stages in order, what each cost, the exports and the report page."""
