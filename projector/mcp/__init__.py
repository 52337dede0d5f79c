"""What the journal knows, as tools of the Model Context Protocol (MCP) that agents call."""
