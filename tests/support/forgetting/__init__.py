"""What is to be forgotten, and what it leaves."""
