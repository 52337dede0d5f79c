"""Steps of the ladder about erasure."""
