"""When the next request may leave: pace and quota of a key, which all its runs share."""
