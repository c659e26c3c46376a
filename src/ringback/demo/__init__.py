"""The demo's own: recordings of real calls, what they must become, and the judge that compares what arrives with it."""
