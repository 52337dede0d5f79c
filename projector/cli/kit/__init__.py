"""What the commands of the projector share."""
