"""The projector: from the lanes to a database that is in use and up to date."""
