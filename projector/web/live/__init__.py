"""Events for open pages."""
