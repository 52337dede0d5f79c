"""Write events to the tables, within one transaction of the caller."""
