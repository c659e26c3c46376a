"""Where updates come in: HTTP, captures."""
