"""What an older importer of any source read otherwise is corrected by the newer one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.importers.parsing.parser import Found
from journal.importers.parsing.transcript import Transcript
from journal.importers.registry import installed
from journal.importers.run.driver import Importer
from journal.importers.run.event_writer import EventWriter
from projector import Projection
from tests.importers.every_source.samples import SAMPLES
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.importers.parsing.parser import Item

_SHOWN = ("tool_calls", "reasoning", "tool_call_id", "meta", "model")


def _as_older(items: Iterator[Item]) -> Iterator[Item]:
    """Yield items in which messages have other words."""
    for item in items:
        if isinstance(item, Found) and item.event["type"] == "message.appended":
            data = {**item.event["data"], "content": "as an older importer read it"}
            yield replace(item, event={**item.event, "data": data})
        else:
            yield item


def _import_as_older(folder: Path, box: Path, patch: pytest.MonkeyPatch) -> None:
    take, write = Transcript.take, EventWriter.take

    def taken(transcript: Transcript, items: Iterator[Item]) -> Iterator[Item]:
        return _as_older(take(transcript, items))

    def written(writer: EventWriter, items: Iterator[Item], *args: Any, **more: Any) -> None:  # noqa: ANN401 - passed on
        write(writer, _as_older(items), *args, **more)

    found = installed()
    older = replace(
        found, formats=tuple(replace(it, version=it.version - 1) for it in found.formats)
    )
    patch.setattr(Transcript, "take", taken)
    patch.setattr(EventWriter, "take", written)  # some sources have no transcript
    with Journal.open(folder, fsync="never") as journal:
        importer = Importer(journal, "auto", installed=older)
        report = importer.run(importer.sources([box]))
    assert (report.errors, report.conflicts) == ({}, 0)
    assert report.messages


def _shown(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the messages of each transcript; a content of nothing is as none."""
    with Projection.open(folder) as projection:
        return {
            session.session: [
                (m.id, m.role, m.content or None, *map(m.fields.get, _SHOWN))
                for m in projection.messages(session.session)
            ]
            for session in projection.sessions()
        }


@pytest.mark.slow
@pytest.mark.parametrize("source", SAMPLES)
def test_a_newer_importer_of_any_source_corrects_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """No conflict, nothing twice, and the transcripts are those of the newer importer alone."""
    box, folder = tmp_path / "box", tmp_path / "j"
    box.mkdir()
    SAMPLES[source](box)
    import_all(tmp_path / "new", box)
    with monkeypatch.context() as patch:
        _import_as_older(folder, box, patch)
    report = import_all(folder, box)
    assert (report.errors, report.conflicts, report.messages) == ({}, 0, 0)
    assert _shown(folder) == _shown(tmp_path / "new")
    again = import_all(folder, box)
    assert (again.messages, again.events, again.conflicts) == (0, 0, 0)
