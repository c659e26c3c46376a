"""The native HTTP API; stands on top and only wires."""
