"""The database of a projection: its tables, connections and generations."""
