"""Configurations of agents: edited without losing anything in them."""
