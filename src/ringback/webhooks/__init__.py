"""Endpoints, filters, deliveries, retry decisions, endpoint health. Pure; knows `calls`."""
