"""The state: the one place that reads, checks and writes it."""
