"""What a person sees: the estimate, the progress, the output."""
