"""The trajectories and events of OpenHands."""
