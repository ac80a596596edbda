"""What a person types beside a run: the estimate, the sign-in and the doctor."""
