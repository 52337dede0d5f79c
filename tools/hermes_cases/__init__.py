"""Failures that users of Hermes's store reported, reproduced on it and on our store."""
