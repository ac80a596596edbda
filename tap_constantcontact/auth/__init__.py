"""The tokens: sign-in, token file, renewal, and what a token may read."""
