"""Kafka: a local broker, a producer of documents, and the consumer that lands them with the loader's own `land`."""
