"""Lanes, dispatcher, guard, resolver, sender."""
