"""Tables fit the terminal, whatever the length of ids and titles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from journal import Journal
from journal.cli.kit.output import Styled
from journal.cli.kit.terminal.table import Column, fit
from journal.cli.kit.terminal.width import cells, cut
from journal.cli.kit.terminal.wrap import wrap
from tests.support.programs.commands import Command
from tests.support.programs.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs.commands import Commands

LONG = "s" * 298
TITLE = "A title of a session that goes on and on, 北京的天气怎么样 适合去颐和园 " * 3

columns = st.lists(
    st.builds(Column, st.booleans(), st.none() | st.integers(1, 20), rank=st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


@given(columns, st.data())
def test_columns_fit_where_each_has_room_for_a_character(
    columns: list[Column], data: st.DataObject
) -> None:
    """Cells are cut, and columns with a rank left out, but nothing more than is needed."""
    needed = data.draw(st.lists(st.integers(1, 400), min_size=len(columns), max_size=len(columns)))
    width = data.draw(st.integers(3 * len(columns), 300))
    fitted = fit(columns, needed, width)
    shown = [at for at in fitted if at]
    assert sum(shown) + 2 * (len(shown) - 1) <= width
    assert all(column.rank or at for column, at in zip(columns, fitted, strict=True))
    if sum(needed) + 2 * (len(needed) - 1) <= width:
        assert fitted == needed


@given(
    st.text(st.sampled_from("ab 北京é👩")), st.integers(1, 30), st.sampled_from(("end", "middle"))
)
def test_a_cut_text_fits(text: str, width: int, where: str) -> None:
    """It needs at most the columns that it gets, and begins as it did before."""
    shown = cut(text, width, "middle" if where == "middle" else "end")
    assert cells(shown) == cell_len(shown) <= width
    assert shown == text or (shown.count("…") == 1 and text.startswith(shown.split("…")[0]))
    if shown != text and where == "middle":
        assert text.endswith(shown.split("…")[1])


words = st.text(st.sampled_from("aab  北京👩-"), max_size=120)


@given(st.lists(words | st.builds(Styled, words), max_size=4), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_only_blanks(pieces: list[str | Styled], width: int) -> None:
    """A line ends between words where one fits, and the styles stay at their words."""
    lines = ["".join(styled(piece) for piece in line) for line in wrap(pieces, width)]
    assert all(cell_len(line) <= width for line in lines)
    text = "".join(styled(piece) for piece in pieces)
    assert "".join("".join(lines).split()) == "".join(text.split())
    if text.isascii() and max(map(len, text.split()), default=0) <= width:
        assert [word for line in lines for word in line.split()] == text.split()


def styled(piece: str | Styled) -> str:
    """Return the text of a piece of a line."""
    return piece if isinstance(piece, str) else piece.text


@pytest.fixture
def journal(journal_dir: Path) -> Path:
    """A journal with long ids and titles, and a tree of sessions."""
    with Journal.open(journal_dir) as journal:
        parent = None
        for number in range(9):
            data = {"title": TITLE, "source": "a-source-of-some-length", "parent": parent}
            data["cwd"] = "/w/" + LONG
            parent = f"{LONG}{number:02}"
            created = {name: value for name, value in data.items() if value is not None}
            journal.append(session=parent, type="session.created", data=created)
            journal.append_message(parent, "user", f"needle x{number} {TITLE}", id="m1")
            used = {"call": "c", "model": "m" * 90, "input_tokens": 10**12, "output_tokens": 1}
            journal.append(session=parent, id=f"u{number}", type="usage.added", data=used)
        journal.append_message("20260101_120000_abc123", "user", "needle 北京", id="m1")
    return journal_dir


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(commands: Commands, journal: Path, width: int) -> None:
    """Every line of the lists fits, and shows short ids that `show` takes."""
    variables = {"JOURNAL_DIR": str(journal), "COLUMNS": str(width), "NO_COLOR": "1"}
    for arguments in (["sessions"], ["sessions", "--tree"]):
        lines = on_terminal(commands, ["projector", *arguments], **variables).text.splitlines()
        assert len(lines) == 10
        assert max(map(cell_len, lines)) <= width
        assert sum(LONG[:60] in line for line in lines) == 0
    for by in ("session", "model"):
        used = on_terminal(commands, ["projector", "usage", "--by", by], **variables).text
        table = used.split("\nprices:")[0].split("\nno price")[0].splitlines()
        assert len(table) > 2
        assert max(map(cell_len, table)) <= width
    facets = ["projector", "facets", "--by", "project"]
    table = on_terminal(commands, facets, **variables).text.splitlines()
    assert len(table) == 3
    assert max(map(cell_len, table)) <= width
    first = on_terminal(commands, ["projector", "sessions"], **variables).text.split()[0]
    shown = on_terminal(commands, ["projector", "show", first, "--no-pager"], **variables)
    assert "needle" in shown.text
    found = on_terminal(commands, ["projector", "search", "needle"], **variables).text.splitlines()
    assert sum(". " in line[:5] for line in found) == 10
    assert max(map(cell_len, found)) <= width


def test_output_for_programs_has_whole_ids_and_titles(
    commands: Commands, journal: Path, tmp_path: Path
) -> None:
    """In a pipe nothing is cut, and no id is a short one, whatever COLUMNS says."""
    out = tmp_path / "out"
    environment = {**os.environ, "JOURNAL_DIR": str(journal), "COLUMNS": "40"}
    commands.run(Command(["projector", "sessions"], str(out), str(out), environment))
    lines = out.read_text().splitlines()
    assert sum(line.startswith(LONG) and TITLE.strip() in line for line in lines) == 9
    assert "\N{HORIZONTAL ELLIPSIS}" not in out.read_text()
