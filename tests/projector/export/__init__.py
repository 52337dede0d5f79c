"""Tests of `projector.export`: formats, levels of detail, files, and recipes."""
