"""From measured values to figures, tables and plots."""
