"""The order of messages that were found, and what is shown in the place of others."""
