"""A power loss on a real file system, whose disk forgets all writes that were not flushed."""
