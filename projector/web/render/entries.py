"""The messages of a window as entries of a page: results stand below the calls that they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from projector.views.messages import MessageState
from projector.web.render import parts
from projector.web.render.blocks import Answer, Block, Call, Result, Thinking
from projector.web.render.calls import called, summary
from projector.web.render.markdown import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.views.messages import MessageView
    from projector.web.render.calls import Called

Kind = Literal["prompt", "assistant", "tool", "aside"]
"""Who says a message: a person, a model, a tool; or it is an aside: by a program, or in a role that
is neither, such as `system`."""

_LINE = 120
_ASIDES = 2_000
"""An aside with more characters than this is folded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message on a page, with the results of its calls.

    Attributes:
        id: of the message.
        kind: who says it.
        speaker: its role, with the tool or the machine that it is of.
        time: microseconds since 1970.
        step: microseconds since the message before; None of the first one.
        model: that wrote it; None if it is the same as of the entry before, or not known.
        tokens: of the message; None if they are not known.
        blocks: what it says.
        folded: the line under which it is folded; None if it is shown open.
        home: of a replay the session in which it counts; None else.
        revised: whether a revision is in force.
        archived: whether it is out of the transcript.
        where: id of the session.
        continues: whether the entry before is of the same speaker, so that it need not be named.
    """

    id: str
    kind: Kind
    speaker: str
    time: int
    step: int | None
    model: str | None
    tokens: int | None
    blocks: tuple[Block, ...]
    folded: str | None
    home: str | None
    revised: bool
    archived: bool
    where: str
    continues: bool


def entries(
    views: Sequence[MessageView], *, cwd: str | None, whole: bool = False
) -> tuple[Entry, ...]:
    """Return messages as entries. A result is in the entry of its call, if that is among them.

    Args:
        views: messages of one session, in order.
        cwd: its working directory.
        whole: whether long texts are shown whole.
    """
    calls = {call.id for view in views for call in _calls(view) if call.id is not None}
    answers: dict[str, tuple[MessageView, Mapping[str, Any] | None]] = {}
    for view in views:
        for id, part in _answered(view):
            if id in calls:
                answers.setdefault(id, (view, part))
    found: list[Entry] = []
    before: MessageView | None = None
    model: str | None = None
    for view in views:
        blocks = tuple(_blocks(view, answers, cwd, whole=whole))
        own = view.fields.get("model")
        named = own if isinstance(own, str) and own != model else None
        if blocks or not _is_taken(view, answers):
            made = _entry(view, before, blocks, named)
            same = bool(found) and (found[-1].kind, found[-1].speaker) == (made.kind, made.speaker)
            found.append(replace(made, continues=same and made.kind == "assistant" and not named))
            model = named or model
        before = view
    return tuple(found)


def _entry(
    view: MessageView, before: MessageView | None, blocks: tuple[Block, ...], model: str | None
) -> Entry:
    kind = kind_of(view)
    tokens = view.fields.get("token_count")
    text = view.content if isinstance(view.content, str) else ""
    long = kind == "aside" and (view.role != "user" or len(text) > _ASIDES)
    return Entry(
        id=view.id,
        kind=kind,
        speaker=_speaker(view),
        time=view.time,
        step=None if before is None else max(view.time - before.time, 0),
        model=model,
        tokens=tokens if isinstance(tokens, int) else None,
        blocks=blocks,
        folded=_beginning(view) if long else None,
        home=view.home,
        revised=view.revised,
        archived=view.state is not MessageState.IN_TRANSCRIPT,
        where=view.session,
        continues=False,
    )


def kind_of(view: MessageView) -> Kind:
    """Return who says a message."""
    if view.by_machine:
        return "aside"
    if view.role in {"user", "usr", "human"}:
        return "prompt"
    if view.role in {"assistant", "tool"}:
        return "assistant" if view.role == "assistant" else "tool"
    return "aside"


def _speaker(view: MessageView) -> str:
    tool, meta = view.fields.get("tool_name"), view.fields.get("meta")
    about = next((name for name in (tool, meta) if isinstance(name, str)), None)
    role = view.role or "unknown"
    return role if about is None else f"{role} ({about})"


def _beginning(view: MessageView) -> str:
    content = view.content
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str) and text.strip():
            return first_line(text, _LINE)
    return ""


def _calls(view: MessageView) -> Iterator[Called]:
    for part in view.content if isinstance(view.content, list) else []:
        if isinstance(part, dict) and part.get("type") == "tool_use":
            yield called(part)
    calls = view.fields.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        yield called(call)


def _answered(view: MessageView) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield the ids of calls that a message has results of; with the part, if it is one."""
    id = view.fields.get("tool_call_id")
    if isinstance(id, str):
        yield id, None
        return
    for part in view.content if isinstance(view.content, list) else []:
        if isinstance(part, dict) and part.get("type") == "tool_result":
            id = part.get("tool_use_id")
            if isinstance(id, str):
                yield id, part


def _is_taken(
    view: MessageView, answers: Mapping[str, tuple[MessageView, Mapping[str, Any] | None]]
) -> bool:
    """Return whether all that a message says is below calls."""
    ids = [id for id, _ in _answered(view)]
    return bool(ids) and all(id in answers and answers[id][0] is view for id in ids)


def _blocks(
    view: MessageView,
    answers: Mapping[str, tuple[MessageView, Mapping[str, Any] | None]],
    cwd: str | None,
    *,
    whole: bool,
) -> Iterator[Block]:
    reasoning = view.fields.get("reasoning")
    if isinstance(reasoning, str) and reasoning.strip():
        yield parts.thinking(reasoning, whole=whole)
    if view.role == "tool":
        if not _is_taken(view, answers):
            yield _answer(view, whole=whole)
        return
    yield from parts.said(view.content, breaks=view.role != "assistant", whole=whole)
    for call in _calls(view):
        about = summary(call, cwd)
        answer = answers.get(call.id or "")
        result = None if answer is None else _result(*answer, since=view.time, whole=whole)
        yield Call(call.tool, about.target, about.added, about.removed, about.blocks, result)
    for id, part in _answered(view):
        if part is not None and (id not in answers or answers[id][1] is not part):
            lone = _result(view, part, since=None, whole=whole)
            yield Answer("result", _first(lone.blocks), lone)


def _answer(view: MessageView, *, whole: bool) -> Answer:
    result = _result(view, None, since=None, whole=whole)
    tool = view.fields.get("tool_name")
    return Answer(tool if isinstance(tool, str) else "tool", _beginning_of(view), result)


def _beginning_of(view: MessageView) -> str:
    content = view.content
    while isinstance(content, list) and content:
        first = content[0]
        content = (first.get("text") or first.get("content")) if isinstance(first, dict) else first
    return first_line(content, _LINE) if isinstance(content, str) else ""


def _first(blocks: tuple[Block, ...]) -> str:
    return next((block.line for block in blocks if isinstance(block, Thinking)), "")


def _result(
    view: MessageView, part: Mapping[str, Any] | None, *, since: int | None, whole: bool
) -> Result:
    """Return the result that a message is, or that a part of it is."""
    content = view.content if part is None else part.get("content")
    outcome = _outcome(view, part)
    took = None if since is None or view.time <= since or _is_estimated(view) else view.time - since
    blocks = tuple(parts.results(content, whole=whole))
    return Result(view.id, blocks, outcome, bool(outcome), took)


def _is_estimated(view: MessageView) -> bool:
    extra = view.fields.get("extra")
    return isinstance(extra, dict) and extra.get("estimated_time") is True


def _outcome(view: MessageView, part: Mapping[str, Any] | None) -> str:
    """Return `exit 1`, `error`, or empty if no error is reported."""
    extra = view.fields.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    code = extra.get("exit_code")
    if isinstance(code, int) and not isinstance(code, bool) and code != 0:
        return f"exit {code}"
    marked = [part] if part is not None else view.content if isinstance(view.content, list) else []
    failed = any(isinstance(item, dict) and item.get("is_error") is True for item in marked)
    return "error" if failed or extra.get("is_error") is True else ""
