"""The recording of an account's answers, with every value of a person or the account replaced."""
