"""A Singer tap for Constant Contact."""
