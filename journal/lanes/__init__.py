"""Lanes: leases, appends, syncs, and what happens after a failed one."""
