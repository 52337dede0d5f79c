"""What a message used: the tokens and the cost of the call of the API that it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.export.parts import prompt_tokens
from projector.views.prices import cost_of

if TYPE_CHECKING:
    from projector.export.calls import Calls
    from projector.views.messages import MessageView


@dataclass(frozen=True, slots=True)
class Used:
    """What one call of the API used and cost, as `projector usage` counts it.

    Attributes:
        input_tokens: of the prompt, with those of the cache; None if they are not known.
        cache_read_tokens: how many of these were read from the cache.
        output_tokens: None if they are not known.
        cost: in micro-dollars; None if no price is known.
    """

    input_tokens: int | None
    cache_read_tokens: int
    output_tokens: int | None
    cost: int | None


def used_by(calls: Calls, view: MessageView) -> Used | None:
    """Return what the call used that a message answered.

    Returns:
        None if no call names the message, or an earlier message of the same call was asked for.
    """
    call = calls.take(view)
    if call is None:
        return None
    used = call.amounts
    read, output = used.get("cache_read_tokens", 0), used.get("output_tokens")
    return Used(prompt_tokens(used), read, output, cost_of(call))
