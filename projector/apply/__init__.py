"""Events become rows, within one transaction."""
