"""Stand-ins for stores that other programs bring with them."""
