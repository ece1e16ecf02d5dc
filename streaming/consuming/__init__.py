"""The consumer: polls a topic and lands each poll in one PostgreSQL transaction."""
