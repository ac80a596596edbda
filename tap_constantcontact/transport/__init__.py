"""Requests and responses: the limits, the retries, the pages."""
