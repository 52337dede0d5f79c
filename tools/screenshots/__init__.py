"""Screenshots of the viewer, of a journal that is made up: `make screenshots`."""
