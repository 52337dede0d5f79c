"""The public Python API: what is exported, documented and typed."""
