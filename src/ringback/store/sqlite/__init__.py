"""SQLite behind the store's port: one file for the truth, one file a day for the attempts' bytes."""
