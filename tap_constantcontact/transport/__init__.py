"""Requests and responses: session, status, pagination, retries and workers."""
