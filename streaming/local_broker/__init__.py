"""A real Apache Kafka broker on loopback, for development and tests."""
