"""Recall: what comes nearest to a question of which no message has all words."""
