"""The developers' tools: benchmark, demonstration, command line reference, checks of Hermes."""
