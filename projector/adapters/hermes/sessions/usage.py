"""Usage and costs of sessions."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import Row, session_row
from projector.adapters.hermes.rows.values import now
from projector.errors import NotProjected

if TYPE_CHECKING:
    import apsw

    from projector.store.fields import SessionFields, UsageFields


_REMEMBERED = 1000
"""Sessions whose route is remembered."""


class Usage(Base):
    """Counters and costs of sessions."""

    def update_token_counts(
        self,
        session_id: str,
        input_tokens: int = 0,
        output_tokens: int = 0,
        model: str | None = None,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        estimated_cost_usd: float | None = None,
        actual_cost_usd: float | None = None,
        cost_status: str | None = None,
        cost_source: str | None = None,
        pricing_version: str | None = None,
        billing_provider: str | None = None,
        billing_base_url: str | None = None,
        billing_mode: str | None = None,
        api_call_count: int = 0,
        absolute: bool = False,
    ) -> None:
        """Add to the counters of a session, or set them; create the session if there is none.

        Counters and costs are added, or set if `absolute`. Costs are in US dollars; an actual cost
        of None is unknown. `cost_status`, `cost_source` and `pricing_version` replace the values
        of before. The model and its billing apply only where the session has none.

        Raises:
            EventError: a counter is negative.
        """
        used: UsageFields = {
            "input_tokens": input_tokens or 0,
            "output_tokens": output_tokens or 0,
            "cache_read_tokens": cache_read_tokens or 0,
            "cache_write_tokens": cache_write_tokens or 0,
            "reasoning_tokens": reasoning_tokens or 0,
            "api_calls": api_call_count or 0,
            "estimated_cost": estimated_cost_usd or 0.0,
            "actual_cost": actual_cost_usd,
            "model": model,
            "provider": billing_provider,
        }
        route = {
            "billing_provider": billing_provider,
            "billing_base_url": billing_base_url,
            "billing_mode": billing_mode,
        }
        is_used = any(value for name, value in used.items() if name not in {"model", "provider"})
        if self._is_later and is_used:
            self._begin_route(session_id, model, route)
        self._ensure_route(session_id, model, route if is_used or not self._is_later else {})
        costs = {
            "cost_status": cost_status,
            "cost_source": cost_source,
            "pricing_version": pricing_version,
        }
        if extra := _present(costs):
            self._store.revise(session_id, extra=extra)
        if absolute:
            self._routed.discard(session_id)  # the number of calls may be 0 again
            self._store.set_usage(session_id, **used)
        else:
            self._store.add_usage(session_id, **used)

    def _begin_route(self, session: str, model: str | None, route: dict[str, str | None]) -> None:
        """Set the billing of a session by its first counted call, as Hermes after 0.13 does."""
        provider = route["billing_provider"]
        if not model or not provider or session in self._routed:
            return

        def query(db: apsw.Connection) -> Row | None:
            return session_row(db, session)

        row = None
        with suppress(NotProjected):  # counting must not fail with the projector
            row = self._read(query)
        if row is None:
            return
        if row["api_call_count"] > 0:
            self._routed.add(session)
        elif (row["model"], row["billing_provider"]) != (model, provider):
            extra = _present(route)
            clear = [f"extra.{name}" for name in route if name not in extra]
            self._store.revise(session, clear=clear, model=model, extra=extra)

    def _ensure_route(self, session: str, model: str | None, route: dict[str, str | None]) -> None:
        """Create a session with these fields unless this handle did it before."""
        extra = _present(route)
        known = (model, *extra.items())
        if self._ensured.get(session) == known:
            return
        fields: SessionFields = {"source": "unknown", "model": model, "started": now()}
        if extra:
            fields["extra"] = extra
        self._store.ensure(session, **fields)
        if len(self._ensured) >= _REMEMBERED:
            self._ensured.clear()
        self._ensured[session] = known

    def record_auxiliary_usage(
        self,
        session_id: str,
        task: str,
        *,
        model: str | None = None,
        billing_provider: str | None = None,
        billing_base_url: str | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        estimated_cost_usd: float | None = None,
    ) -> None:
        """Record the usage of a call beside the conversation; it does not count for the session.

        The journal gets a `usage.added` without counters: they are in `extra`, with the task.
        """
        if not session_id or not task:
            return
        self._ensure_route(session_id, None, {})
        extra: dict[str, Any] = {
            "task": task,
            "billing_base_url": billing_base_url,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens,
            "reasoning_tokens": reasoning_tokens,
            "estimated_cost_usd": estimated_cost_usd,
            "api_call_count": 1,
        }
        self._store.add_usage(
            session_id, model=model, provider=billing_provider, extra=_present(extra)
        )


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
