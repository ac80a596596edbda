"""Rows as files that people open: CSV, Parquet and JSON Lines."""
