"""The loop of the relay: what it does while it is connected, and how it begins again."""
