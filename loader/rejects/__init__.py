"""Lists, exports and replays rejects. `loader/landing/land.py` writes them."""
