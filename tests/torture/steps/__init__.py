"""The steps of the ladder: each is a program."""
