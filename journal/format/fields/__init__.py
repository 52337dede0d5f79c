"""The fields of events, by what the events are about."""
