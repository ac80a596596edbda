"""The limits of a key, which all its runs share: requests a second and requests a day."""
