"""The `tap-constantcontact-doctor` command: is all well, and if not, what to do next."""
