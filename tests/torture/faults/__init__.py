"""What the kill sweep and the fault sweep are made of."""
