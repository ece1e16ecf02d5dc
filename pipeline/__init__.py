"""The stages in order, what each used of the machine, the exports and the report page."""
