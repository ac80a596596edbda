"""The stream maps: what is wrong with them, before the first request."""
