"""Raw JSON files into raw tables: framed, checked against a contract, landed with COPY, accounted for."""
