"""Hermes's table `state_meta`: texts by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.namespaces import META
from projector.adapters.hermes.rows.values import clean
from projector.store.deciding.values import key_value

if TYPE_CHECKING:
    import apsw


class StateMeta(Base):
    """Texts by key."""

    def get_meta(self, key: str) -> str | None:
        """Return the text of a key; None if there is none."""

        def query(db: apsw.Connection) -> str | None:
            found = key_value(db, META, key)
            return found if found is None or isinstance(found, str) else str(found)

        return self._read(query)

    def set_meta(self, key: str, value: str) -> None:
        """Set the text of a key; the last writer wins."""
        self._store.keys.set(key, clean(str(value)), namespace=META)
