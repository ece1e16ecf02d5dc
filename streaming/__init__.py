"""Kafka: a local broker, a producer of documents, and the consumer that lands them by the loader's own writer."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
