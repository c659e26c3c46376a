"""Calls that are going on: the interpreter's commands carried out on a switch, the application asked, everything reported."""
