"""Rows of responses, converted into records that are valid by their schema."""
