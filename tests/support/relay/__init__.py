"""What tests of the relay share."""
