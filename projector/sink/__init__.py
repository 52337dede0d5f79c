"""Documents of messages in another engine, for a search past one database."""
