"""The calls of the API that sessions have used."""
