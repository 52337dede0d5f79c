"""The soak: scenarios in which many processes share one journal."""
