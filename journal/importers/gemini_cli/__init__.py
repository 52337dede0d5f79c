"""The recordings of Gemini CLI."""
