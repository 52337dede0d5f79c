"""The server over streamable HTTP on loopback; the extra `mcp` installs what it needs."""
