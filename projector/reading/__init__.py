"""Answers from the projection: fresh, bounded in time, and safe beside projectors and forks."""
