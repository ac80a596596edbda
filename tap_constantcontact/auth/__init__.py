"""Signing in, and the tokens that it leaves."""
