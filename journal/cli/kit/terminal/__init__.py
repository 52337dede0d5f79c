"""Output for a person on a terminal: tables that fit it, and a pager."""
