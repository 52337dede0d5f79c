"""The files that the relay reads and writes: lanes of this machine, and mirrors of the others."""
