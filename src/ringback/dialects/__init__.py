"""How each platform writes an event as an HTTP request: one file a dialect, one small contract. Pure."""
