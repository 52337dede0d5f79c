"""What is measured of searches, beside the search itself."""
