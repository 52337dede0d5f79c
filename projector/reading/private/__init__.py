"""Answers that need no other process, where one holds the projector's lock and has not come far.

1. `copy`: a copy of a snapshot. It reads the pages of the generation, and writes to memory.
2. `beside`: a projector of its own applies to that copy what the snapshot lacks, and the copy is
   queried.

Nothing of it is written anywhere: the process that holds the lock applies the same events to the
generation. If it is suspended or slow, no other waits for it.
"""
