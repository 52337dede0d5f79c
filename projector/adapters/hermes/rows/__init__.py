"""What the projection holds, as Hermes's rows."""
