"""The gateway's routes, and the sessions of its peers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import Event, key_deleted
from projector.adapters.hermes.namespaces import routes
from projector.adapters.hermes.rows.sessions import (
    MESSAGES,
    SESSIONS,
    Row,
    active_row,
    existing_row,
    session_ids,
)
from projector.store.deciding.values import key_values
from projector.store.keys import key_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from projector.store.fields import SessionFields

_OPEN = "(s.ended_at IS NULL OR s.end_reason IN ('agent_close', 'ws_orphan_reap'))"
"""Condition: the session is open, or its process ended without closing it."""


class Routing(Base):
    """Routes of the gateway, and the sessions of its peers."""

    def save_gateway_routing_entry(
        self, session_key: str, entry_json: str, *, scope: str = ""
    ) -> None:
        """Store a route: the gateway's text by session key."""
        if session_key and entry_json:
            self._store.add([_route(scope, session_key, entry_json)])

    def replace_gateway_routing_entries(
        self, entries: Mapping[str, str], *, scope: str = ""
    ) -> None:
        """Store these routes of a scope and delete its others."""
        wanted = {key: text for key, text in entries.items() if key and text}

        def question(db: apsw.Connection) -> tuple[None, list[Event]]:
            namespace = routes(scope)
            there = key_values(db, namespace)
            events = [key_deleted(namespace, key) for key in there if key not in wanted]
            return None, events + [_route(scope, key, text) for key, text in wanted.items()]

        self._store.decide(question)

    def load_gateway_routing_entries(self, *, scope: str = "") -> dict[str, str]:
        """Return the routes of a scope: the gateway's texts by session key."""
        found = self._read(lambda db: key_values(db, routes(scope)))
        return {key: route["entry_json"] for key, route in found.items()}

    def delete_gateway_routing_entries(
        self, session_keys: Sequence[str], *, scope: str = ""
    ) -> None:
        """Delete routes of a scope."""
        self._store.add(key_deleted(routes(scope), key) for key in session_keys)

    def record_gateway_session_peer(
        self,
        session_id: str,
        *,
        source: str,
        user_id: str | None = None,
        session_key: str | None = None,
        chat_id: str | None = None,
        chat_type: str | None = None,
        thread_id: str | None = None,
        display_name: str | None = None,
        origin_json: str | None = None,
    ) -> None:
        """Store the peer of a session; a name or origin of None stays as it is."""
        if not session_id or not session_key:
            return
        peer = {
            "session_key": session_key,
            "chat_id": chat_id,
            "chat_type": chat_type,
            "thread_id": thread_id,
        }
        shown = {"display_name": display_name, "origin_json": origin_json}
        extra = {name: value for name, value in (peer | shown).items() if value is not None}
        clear = [f"extra.{name}" for name, value in peer.items() if value is None]
        fields: SessionFields = {"source": source, "extra": extra}
        if user_id is None:
            clear.append("user")
        else:
            fields["user"] = user_id
        self._revise(session_id, clear=clear, **fields)

    def set_expiry_finalized(self, session_id: str, finalized: bool = True) -> None:
        """Mark whether the work at a session's expiry is done."""
        if session_id:
            self._revise(session_id, extra={"expiry_finalized": int(bool(finalized))})

    def list_gateway_sessions(
        self, *, platform: str | None = None, active_only: bool = True
    ) -> list[Row]:
        """Return the newest session of each route with `last_active`, the last active first."""
        where = (
            "s.session_key IS NOT NULL AND s.started_at = (SELECT max(o.started_at)"
            f" FROM {SESSIONS} o WHERE o.session_key = s.session_key)"
        )
        bound: tuple[object, ...] = ()
        if platform:
            where += " AND lower(s.source) = lower(?)"
            bound = (platform,)
        if active_only:
            where += " AND s.ended_at IS NULL"

        def query(db: apsw.Connection) -> list[Row]:
            rest = "ORDER BY s.last_active DESC"
            return [active_row(db, id) for id in session_ids(db, where, bound, rest)]

        return self._read(query)

    def find_session_by_origin(
        self,
        *,
        platform: str,
        chat_id: str,
        thread_id: str | None = None,
        user_id: str | None = None,
    ) -> str | None:
        """Return the newest open session of a chat; None if several users have one there."""
        if not platform or chat_id in (None, ""):
            return None
        where = (
            "lower(s.source) = lower(?) AND s.session_key IS NOT NULL AND s.chat_id = ?"
            " AND s.ended_at IS NULL"
        )
        bound: tuple[object, ...] = (platform, str(chat_id))
        if thread_id is not None:
            where += " AND coalesce(s.thread_id, '') = ?"
            bound += (str(thread_id),)
        query = (
            f"SELECT s.id, trim(coalesce(s.user_id, '')) FROM {SESSIONS} s WHERE {where}"
            " ORDER BY s.started_at DESC"
        )
        found: list[tuple[Any, ...]] = self._read(lambda db: db.execute(query, bound).fetchall())
        own = [str(id) for id, user in found if user_id and user == str(user_id)]
        users = {user for _, user in found if user}
        if own:
            return own[0]
        if not found or (len(found) > 1 and (user_id or len(users) > 1)):
            return None
        return str(found[0][0])

    def find_latest_gateway_session_for_peer(
        self,
        *,
        source: str,
        user_id: str | None = None,
        session_key: str | None = None,
        chat_id: str | None = None,
        chat_type: str | None = None,
        thread_id: str | None = None,
    ) -> Row | None:
        """Return the newest session that a route, or else a peer, can continue; None if none."""
        if not session_key:
            return None
        rest = "ORDER BY s.started_at DESC LIMIT 1"
        usable = f"s.source = ? AND {_OPEN} AND {MESSAGES}"
        peer = {
            "user_id": user_id,
            "chat_id": chat_id,
            "chat_type": chat_type,
            "thread_id": thread_id,
        }
        same = " AND ".join(f"coalesce(s.{name}, '') = coalesce(?, '')" for name in peer)

        def query(db: apsw.Connection) -> Row | None:
            found = session_ids(db, f"{usable} AND s.session_key = ?", (source, session_key), rest)
            if not found and chat_id is not None and chat_type is not None:
                found = session_ids(db, f"{usable} AND {same}", (source, *peer.values()), rest)
            return existing_row(db, found[0]) if found else None

        return self._read(query)


def _route(scope: str, key: str, text: str) -> Event:
    return key_event(routes(scope), key, {"entry_json": text, "updated_at": time.time()})
