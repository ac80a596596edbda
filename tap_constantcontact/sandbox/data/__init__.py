"""An account's data, a module for each section of the API."""
