"""A second process that reads and parses files of lines ahead of the import that appends them."""
