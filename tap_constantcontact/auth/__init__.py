"""The sign-in command, the token file and the renewal of tokens."""
