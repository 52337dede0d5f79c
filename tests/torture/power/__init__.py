"""A real power loss: a file system on a disk that forgets what it was not told to keep."""
