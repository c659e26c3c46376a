"""What a receiver imports: verify and parse, no server needed."""
