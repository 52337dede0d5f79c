"""Steps of the ladder about journals on many machines."""
