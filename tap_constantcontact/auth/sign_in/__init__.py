"""The sign-in of a person, by browser or device code."""
