"""Ways to read a stream, and its latency: what the benchmark of the stream measures."""
