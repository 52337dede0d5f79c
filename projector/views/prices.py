"""Prices of calls: what their source says, else the table of the package `genai-prices`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from journal.process.fork import no_fork

if TYPE_CHECKING:
    from projector.fold.usage import Call

_MICRO = 1_000_000
"""Micro-dollars in a US dollar."""
_NANO_TO_MICRO = 1_000
_OWN = ("actual_cost", "estimated_cost")


def cost_of(call: Call) -> int | None:
    """Return what a call cost in micro-dollars; None if that is not known.

    What the source itself says comes first; then the table, at the price of the call's time.
    """
    for name in _OWN:
        if (nano := call.amounts.get(name)) is not None:
            return round(nano / _NANO_TO_MICRO)
    if call.model is None or not is_installed():
        return None
    used = call.amounts
    read, written = used.get("cache_read_tokens", 0), used.get("cache_write_tokens", 0)
    # the table counts the tokens of the cache among those of the input
    tokens = {
        "input_tokens": used.get("input_tokens", 0) + read + written,
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": min(call.written_1h, written),
        "output_tokens": used.get("output_tokens", 0),
    }
    given = tuple((name, count) for name, count in tokens.items() if count)
    return _from_table(call.model, call.provider, call.time, given)


def is_priced(call: Call) -> bool:
    """Return whether the source itself says what a call cost."""
    return any(name in call.amounts for name in _OWN)


@cache
def is_installed() -> bool:
    """Return whether the table is installed: the extra `prices`."""
    return find_spec("genai_prices") is not None


@cache
def table_name() -> str | None:
    """Return name and version of the table, and the day of its newest price; None without one."""
    if not is_installed():
        return None
    with no_fork.turn:
        from genai_prices.data import providers  # noqa: PLC0415 - it takes half a second

    today = datetime.now(UTC).date()
    days = [
        day
        for provider in providers
        for model in provider.models
        for price in (model.prices if isinstance(model.prices, list) else [])
        if isinstance(day := getattr(price.constraint, "start_date", None), date) and day <= today
    ]
    return f"genai-prices {version('genai-prices')}, newest price of {max(days)}"


@lru_cache(maxsize=16_384)  # a program that shows usage asks again, and a price takes 0.2 ms
def _from_table(
    model: str, provider: str | None, time: int, tokens: tuple[tuple[str, int], ...]
) -> int | None:
    with no_fork.turn:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - it takes half a second

    at = datetime.fromtimestamp(time / _MICRO, UTC)
    try:
        price = calc_price(
            Usage(**dict(tokens)), model, provider_id=provider, genai_request_timestamp=at
        )
    except (LookupError, ValueError):  # the table does not have it: its price is unknown
        return None
    return int((Decimal(price.total_price) * _MICRO).quantize(Decimal(1), ROUND_HALF_EVEN))
