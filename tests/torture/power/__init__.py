"""A power loss on a real file system, whose disk loses all writes that were not flushed."""
