"""What all parsers share: the items that they yield, and how events are made from them."""
