"""The settings, the environment, the catalog, the dates and the stream maps, and their checks."""
