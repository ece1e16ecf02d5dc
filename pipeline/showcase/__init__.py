"""The demo and the live stream: the pipeline on sample data in databases of their own."""
