"""Write side: an append-only message journal."""
