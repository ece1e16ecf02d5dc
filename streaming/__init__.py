"""Kafka: a local broker, a producer of documents, and the consumer that lands them by the loader's own writer."""
