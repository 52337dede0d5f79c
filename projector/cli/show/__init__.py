"""`projector show`: a conversation as text, Markdown or JSON."""
