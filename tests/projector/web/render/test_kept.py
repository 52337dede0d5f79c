"""HTML that is kept for a further request."""

from __future__ import annotations

from markupsafe import Markup

from projector.web.render.kept import kept


def test_so_many_characters_are_kept_and_the_last_ones() -> None:
    """What was asked for longest ago goes first; what is too long alone is made each time."""
    made: list[str] = []

    @kept(100)
    def twice(text: str, kind: str) -> Markup:
        made.append(text + kind)
        return Markup(text * 2)  # noqa: S704 - no text of another

    for text in ("a" * 10, "b" * 10, "a" * 10):
        assert twice(text, "") == text * 2
    assert made == ["a" * 10, "b" * 10]
    assert twice("a" * 10, "x") == "a" * 20  # of another kind: 90 characters are kept
    twice("c" * 10, "")  # the one of `b` goes
    made.clear()
    for text in ("a" * 10, "c" * 10):
        twice(text, "")
    assert made == []
    twice("b" * 10, "")
    for _ in range(2):
        twice("d" * 40, "")
    assert made == ["b" * 10, "d" * 40, "d" * 40]
