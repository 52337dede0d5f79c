"""What a journal has already: an import does not append it again."""
