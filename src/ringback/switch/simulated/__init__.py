"""A switch without a phone: both ends of every call are played by scripts."""
