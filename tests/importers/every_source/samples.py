"""Made-up files and databases of every source."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from tests.importers.copilot import test_copilot_cli, test_vscode_chat
from tests.importers.hermes.databases import made_by
from tests.importers.programs import test_aider, test_cline
from tests.importers.sqlite import test_crush, test_cursor, test_goose, test_opencode, test_zed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MADE_UP = Path(__file__).parents[1] / "transcripts"
_CHAT = "019f0000-0000-4000-8000-000000000001"


def _lines(file: Path, lines: Iterable[bytes]) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"".join(line + b"\n" for line in lines))


_BESIDE: dict[str, tuple[str, dict[str, object]]] = {
    "grok": (
        "light/gr-1/summary.json",
        {
            "info": {"id": "gr-1", "cwd": "/home/ada/lighthouse"},
            "generated_title": "Lamp",
            "head_branch": "lamp",
            "head_commit": "0a1b2c",
        },
    ),
    "kimi": (
        "wd_lighthouse/ki-1/state.json",
        {"title": "Lamp", "workDir": "/home/ada/lighthouse"},
    ),
}
"""Files about sessions that programs keep beside these, and their contents."""


def _copied(source: str) -> Callable[[Path], object]:
    def made(folder: Path) -> None:
        shutil.copytree(MADE_UP / source, folder, dirs_exist_ok=True)
        if source in _BESIDE:
            name, about = _BESIDE[source]
            (folder / name).write_bytes(orjson.dumps(about))

    return made


def _closed(write: Callable[[Path], object], name: str) -> Callable[[Path], object]:
    def made(folder: Path) -> None:
        with closing(write(folder / name).db):  # type: ignore[attr-defined]
            pass

    return made


def _copilot(folder: Path) -> None:
    file = folder / "session-state" / test_copilot_cli.SESSION / "events.jsonl"
    _lines(file, test_copilot_cli.LINES)


SAMPLES: dict[str, Callable[[Path], object]] = {
    **{path.name: _copied(path.name) for path in sorted(MADE_UP.iterdir())},
    "aider": lambda folder: (folder / test_aider.NAME).write_text(test_aider.HISTORY),
    "cline interface": lambda folder: test_cline.written(folder, test_cline.ENTRIES),
    "copilot_cli": _copilot,
    "crush": test_crush.database,
    "cursor": test_cursor.database,
    "cursor transcript": lambda folder: _lines(
        folder / "agent-transcripts" / f"{_CHAT}.jsonl", test_cursor.LINES
    ),
    "goose": test_goose.database,
    "hermes": _closed(made_by, "state.db"),
    "opencode": _closed(test_opencode.written, "opencode.db"),
    "opencode export": lambda folder: test_opencode.exported(folder / "export.json"),
    "vscode_chat": lambda folder: (folder / "chat.json").write_bytes(
        orjson.dumps(test_vscode_chat.CHAT)
    ),
    "zed": test_zed.database,
}
"""What writes a sample of each source into a folder."""
