"""The running installation: what accounts set up, in memory, and the wiring of all parts."""
