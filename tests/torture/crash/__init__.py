"""What a power loss may leave of a journal: recorded, enumerated, and checked."""
