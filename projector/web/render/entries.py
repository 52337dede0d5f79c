"""The messages of a window as entries of a page: results stand below the calls that they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from projector.export.parts import call_names
from projector.views.messages import MessageState
from projector.web.render import parts
from projector.web.render.blocks import Answer, Block, Call, Result, Thinking
from projector.web.render.calls import called, summary
from projector.web.render.markdown import first_line
from projector.web.render.used import used_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.export.calls import Calls
    from projector.views.messages import MessageView
    from projector.web.render.calls import Called
    from projector.web.render.used import Used

    Answers = Mapping[str, tuple[MessageView, Mapping[str, Any] | None]]
    """Results by the ids of their calls: a message, and the part of it, if it is one."""

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
        used: what the call of the API used that the message answered; None if that is not known,
            or an entry before shows it.
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
    used: Used | None
    blocks: tuple[Block, ...]
    folded: str | None
    home: str | None
    revised: bool
    archived: bool
    where: str
    continues: bool


def entries(
    views: Sequence[MessageView],
    *,
    cwd: str | None,
    used: Calls | None = None,
    whole: bool = False,
) -> tuple[Entry, ...]:
    """Return messages as entries. A result is in the entry of its call, if that is among them.

    Args:
        views: messages of one session, in order.
        cwd: its working directory.
        used: the calls of the API that the messages answered; None if they are not to be shown.
        whole: whether long texts are shown whole.
    """
    return EntryMaker(cwd=cwd, used=used, whole=whole).make(views)


class EntryMaker:
    """Makes entries of the messages of one session, part by part.

    Args:
        cwd: the working directory of the session.
        used: the calls of the API that the messages answered; None if they are not to be shown.
        whole: whether long texts are shown whole.
    """

    def __init__(self, *, cwd: str | None, used: Calls | None, whole: bool) -> None:
        self._cwd, self._used, self._whole = cwd, used, whole
        self._before: MessageView | None = None
        self._last: Entry | None = None
        self._model: str | None = None
        self._call: frozenset[str] = frozenset()

    def make(self, views: Sequence[MessageView]) -> tuple[Entry, ...]:
        """Return messages that follow those of the call before as entries.

        A result is in the entry of its call, if both are in this part.
        """
        answers = _answers(views)
        return tuple(
            entry for view in views if (entry := self._entry_of(view, answers)) is not None
        )

    def _entry_of(self, view: MessageView, answers: Answers) -> Entry | None:
        blocks = tuple(_blocks(view, answers, self._cwd, whole=self._whole))
        own = view.fields.get("model")
        named = own if isinstance(own, str) and own != self._model else None
        used = self._used_by(view)
        before, self._before = self._before, view
        if not blocks and _is_taken(view, answers):
            return None
        made, last = _entry(view, before, blocks, named, used), self._last
        if self._call.intersection(call_names(view)):  # its call has counted these tokens
            made = replace(made, tokens=None)
        same = last is not None and (last.kind, last.speaker) == (made.kind, made.speaker)
        made = replace(made, continues=same and made.kind == "assistant" and not named)
        self._model = named or self._model
        self._last = replace(made, blocks=())  # what it says is not kept
        return made

    def _used_by(self, view: MessageView) -> Used | None:
        found = None if self._used is None else used_by(self._used, view)
        if found is not None:
            self._call = frozenset(call_names(view))
        return found


def _answers(views: Sequence[MessageView]) -> Answers:
    """Return the results of the calls that are among messages, by the ids of the calls."""
    calls = {id for view in views for id in calls_in(view)}
    found: dict[str, tuple[MessageView, Mapping[str, Any] | None]] = {}
    for view in views:
        for id, part in _answered(view):
            if id in calls:
                found.setdefault(id, (view, part))
    return found


def _entry(
    view: MessageView,
    before: MessageView | None,
    blocks: tuple[Block, ...],
    model: str | None,
    used: Used | None,
) -> Entry:
    kind = kind_of(view)
    tokens = view.fields.get("token_count")
    long = kind == "aside" and (view.role != "user" or sum(map(len, _texts(view))) > _ASIDES)
    return Entry(
        id=view.id,
        kind=kind,
        speaker=_speaker(view),
        time=view.time,
        step=None if before is None else max(view.time - before.time, 0),
        model=model,
        tokens=tokens if isinstance(tokens, int) else None,
        used=used,
        blocks=blocks,
        folded=beginning(view) if long else None,
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


def beginning(view: MessageView) -> str:
    """Return the first line of what a message says; empty if it says nothing."""
    said = next((text for text in _texts(view) if text.strip()), "")
    return first_line(said, _LINE) if said else ""


def _texts(view: MessageView) -> Iterator[str]:
    content = view.content
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text


def calls_in(view: MessageView) -> set[str]:
    """Return the ids of the calls of tools in a message."""
    return {call.id for call in _calls(view) if call.id is not None}


def answered_in(view: MessageView) -> set[str]:
    """Return the ids of the calls that a message has results of."""
    return {id for id, _ in _answered(view)}


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


def _is_taken(view: MessageView, answers: Answers) -> bool:
    """Return whether all that a message says is below calls."""
    ids = [id for id, _ in _answered(view)]
    return bool(ids) and all(id in answers and answers[id][0] is view for id in ids)


def _blocks(
    view: MessageView, answers: Answers, cwd: str | None, *, whole: bool
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
        about = summary(call, cwd, whole=whole)
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
