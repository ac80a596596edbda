"""Output for people and targets: the estimate, the progress, the Singer messages."""
