"""The store: a port, and SQLite behind it."""
