"""Hermes's store of sessions on a journal."""

from projector.adapters.hermes.installation import install, uninstall
from projector.adapters.hermes.session_db import SessionDB

__all__ = ["SessionDB", "install", "uninstall"]
