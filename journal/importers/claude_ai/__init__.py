"""The data export of claude.ai."""
