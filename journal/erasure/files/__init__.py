"""Files of segments: how they are replaced and joined, and what a killed process left of that."""
