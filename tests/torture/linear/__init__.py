"""A search for one order of all calls that explains every answer."""
