"""The scenario in which sessions and messages are forgotten while writers and readers work."""
