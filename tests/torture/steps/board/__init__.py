"""Steps of the ladder about boards."""
