"""What can go wrong in a call of a tool."""


class ToolError(ValueError):
    """A tool cannot answer; the message says what the agent can do."""
