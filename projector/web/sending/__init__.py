"""Answers on their way: how many are sent for long, and readers that leave."""
