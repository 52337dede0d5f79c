"""Sessions: created, changed, ended, found by id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import Event, session_ended, session_reopened
from projector.adapters.hermes.rows.like_patterns import beginning
from projector.adapters.hermes.rows.sessions import SESSIONS, Row, session_row
from projector.adapters.hermes.rows.values import clean, now

if TYPE_CHECKING:
    import apsw

    from projector.store.fields import SessionFields

_ACCIDENTS = ("agent_close", "ws_orphan_reap")
"""Reasons for an end that a reset may replace."""


class MoreOfSession(TypedDict, total=False):
    """Keyword arguments of `ensure_session`."""

    model_config: dict[str, Any] | None
    system_prompt: str | None
    user_id: str | None
    session_key: str | None
    chat_id: str | None
    chat_type: str | None
    thread_id: str | None
    parent_session_id: str | None
    cwd: str | None
    profile_name: str | None


class NewSession(MoreOfSession, total=False):
    """Keyword arguments of `create_session`."""

    model: str | None


class Sessions(Base):
    """Sessions. An update of a session that does not exist writes nothing."""

    def create_session(self, session_id: str, source: str, **kwargs: Unpack[NewSession]) -> str:
        """Create a session without waiting for other processes; return its id.

        A session that exists keeps its fields and gains those that it lacks.
        """
        self._insert_session_row(session_id, source, **kwargs)
        return session_id

    def ensure_session(
        self,
        session_id: str,
        source: str = "unknown",
        model: str | None = None,
        **kwargs: Unpack[MoreOfSession],
    ) -> str:
        """Create a session unless it exists, as `create_session`."""
        self._insert_session_row(session_id, source, model=model, **kwargs)
        return session_id

    def _insert_session_row(
        self,
        session_id: str,
        source: str,
        model: str | None = None,
        model_config: dict[str, Any] | None = None,
        system_prompt: str | None = None,
        user_id: str | None = None,
        session_key: str | None = None,
        chat_id: str | None = None,
        chat_type: str | None = None,
        thread_id: str | None = None,
        parent_session_id: str | None = None,
        cwd: str | None = None,
        profile_name: str | None = None,
    ) -> None:
        named = {
            "session_key": session_key,
            "chat_id": chat_id,
            "chat_type": chat_type,
            "thread_id": thread_id,
            "profile_name": profile_name,
        }
        extra: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        fields: SessionFields = {
            "source": source or None,
            "model": model,
            "system_prompt": None if system_prompt is None else clean(system_prompt),
            "user": user_id,
            "parent": parent_session_id,
            "cwd": cwd,
            "started": now(),
        }
        config = settings(json.dumps(model_config) if model_config else None)
        if isinstance(config, dict):
            fields["config"] = config
        elif config is not None:
            extra["model_config"] = config
        if extra:
            fields["extra"] = extra
        self._store.ensure(session_id, **fields)

    def end_session(self, session_id: str, end_reason: str) -> None:
        """End a session; a later end has no effect until it is reopened."""
        store = self._store
        if self._is_there(session_id):
            store.end(session_id, end_reason, ended=now())

    def reopen_session(self, session_id: str) -> None:
        """Revert the end of a session."""
        store = self._store
        if self._is_there(session_id):
            store.reopen(session_id)

    def promote_to_session_reset(self, session_id: str, reason: str = "session_reset") -> bool:
        """End a session that is open or ended by accident; return whether it was one."""

        def question(db: apsw.Connection) -> tuple[bool, list[Event]]:
            row = session_row(db, session_id)
            is_accident = row is not None and row["end_reason"] in _ACCIDENTS
            if row is None or not (row["ended_at"] is None or is_accident):
                return False, []
            return True, [session_reopened(session_id), session_ended(session_id, now(), reason)]

        return bool(session_id) and self._store.decide(question)

    def update_system_prompt(self, session_id: str, system_prompt: str | None) -> None:
        """Set the system prompt; None removes it."""
        if system_prompt is None:
            self._revise(session_id, clear=["system_prompt"])
        else:
            self._revise(session_id, system_prompt=clean(system_prompt))

    def update_session_cwd(
        self,
        session_id: str,
        cwd: str,
        git_branch: str | None = None,
        git_repo_root: str | None = None,
    ) -> None:
        """Set the working directory of a session, and the branch and root of its repository."""
        if session_id and cwd:
            named = {"git_branch": git_branch, "git_repo_root": git_repo_root}
            extra = {name: text for name, value in named.items() if (text := (value or "").strip())}
            self._revise(session_id, cwd=cwd, extra=extra or None)

    def backfill_repo_roots(self, cwd_to_root: dict[str, str]) -> None:
        """Set the repository root of sessions that have none, by their working directory."""
        roots = {cwd: root for cwd, root in cwd_to_root.items() if cwd and root}

        def query(db: apsw.Connection) -> list[tuple[str, str]]:
            rootless = (
                f"SELECT s.id, s.cwd FROM {SESSIONS} s WHERE coalesce(s.git_repo_root, '') = ''"
            )
            return [(str(id), str(cwd)) for id, cwd in db.execute(rootless) if cwd in roots]

        store = self._store
        for id, cwd in self._read(query) if roots else []:
            store.revise(id, extra={"git_repo_root": roots[cwd]})

    def update_session_meta(
        self, session_id: str, model_config_json: str, model: str | None = None
    ) -> None:
        """Replace the settings of the model; also set the model unless it is None."""
        config = settings(model_config_json)
        other = "extra.model_config"
        if isinstance(config, dict):
            self._revise(session_id, clear=[other], config=config, model=model)
        elif config is None:
            self._revise(session_id, clear=["config", other], model=model)
        else:
            extra = {"model_config": config}
            self._revise(session_id, clear=["config"], extra=extra, model=model)

    def update_session_model(self, session_id: str, model: str | None) -> None:
        """Set the model; None removes it."""
        self._revise(session_id, clear=["model"] if model is None else [], model=model)

    def update_session_billing_route(
        self, session_id: str, *, provider: str, base_url: str, billing_mode: str | None = None
    ) -> None:
        """Set who is paid for the model; remove the system prompt, which names it."""
        route = {"billing_provider": provider, "billing_base_url": base_url}
        clear = ["system_prompt", *(f"extra.{name}" for name in route if route[name] is None)]
        extra = {name: value for name, value in route.items() if value is not None}
        if billing_mode is not None:
            extra["billing_mode"] = billing_mode
        self._revise(session_id, clear=clear, extra=extra or None)

    def get_session(self, session_id: str) -> Row | None:
        """Return a session; None if it does not exist."""
        return self._read(lambda db: session_row(db, session_id))

    def resolve_session_id(self, session_id_or_prefix: str) -> str | None:
        """Return the session with this id, else the only one whose id begins with it; else None."""

        def query(db: apsw.Connection) -> str | None:
            like = beginning(session_id_or_prefix)
            matching = (
                f"SELECT s.id FROM {SESSIONS} s WHERE s.id = ?1 OR s.id LIKE ?2 ESCAPE '\\'"
                " ORDER BY s.id = ?1 DESC LIMIT 2"
            )
            found = [str(id) for (id,) in db.execute(matching, (session_id_or_prefix, like))]
            is_clear = len(found) == 1 or found[:1] == [session_id_or_prefix]
            return found[0] if is_clear else None

        return self._read(query)


def settings(text: str | None) -> dict[str, Any] | str | None:
    """Parse the settings of a model; return the text itself if it is no JSON object."""
    if text is None:
        return None
    try:
        found = json.loads(clean(text))
    except ValueError:
        return clean(text)
    return found if isinstance(found, dict) else clean(text)
