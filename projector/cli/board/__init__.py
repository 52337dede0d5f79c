"""`projector board`: tasks for workers; a module holds commands of one kind."""
