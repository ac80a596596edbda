"""The ways of reading an endpoint. Each stream inherits from one of them."""
