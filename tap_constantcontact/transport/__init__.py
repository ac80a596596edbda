"""Requests and responses: limits, retries and pagination."""
