"""Lists, exports and replays rejects."""
