"""Decisions: one process at a time compares what all have written, and appends.

A decision about key-values reads them from the projection and, behind what that has applied, from
the lanes (`unapplied.py`). It applies nothing while others wait for the lock.
"""
