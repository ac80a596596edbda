"""Output for targets and people: Singer messages, progress and log."""
