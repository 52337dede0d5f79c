"""The file system: system calls, locks, owners, and the journal's folder."""
