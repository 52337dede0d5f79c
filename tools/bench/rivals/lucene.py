"""tantivy, a search library in Rust similar to Lucene: its speed of indexing and searching.

Its index has the text (stored, with positions, its default tokenizer) and the message's number.
It treats runs of Chinese and Japanese as one token.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from tools.bench.corpus.stage import messages, source_of
from tools.bench.corpus.words import Texts
from tools.bench.processes import alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.corpus.queries import Query
    from tools.bench.plan import Plan

_HEAP = 256 * 1024 * 1024
_LIMIT = 20
_PREFIX = re.compile(r"(\w+)\*")


def _open(path: Path) -> tuple[Any, Any, Any]:
    tantivy = import_module("tantivy")
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=True)
    builder.add_unsigned_field("number", stored=True)
    for name in ("role", "source"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw")
    schema = builder.build()
    path.mkdir(parents=True, exist_ok=True)
    return tantivy, schema, tantivy.Index(schema, path=str(path))


def index(folder: str, count: int) -> Callable[[], dict[str, float]]:
    """Index the corpus with one indexing thread; measure the seconds, with prepared texts."""
    tantivy, _, target = _open(Path(folder))
    writer = target.writer(heap_size=_HEAP, num_threads=1)

    def act() -> dict[str, float]:
        seconds, number, cpu = 0.0, 0, 0.0
        for batch in messages(Texts(), count):
            began, used = perf_counter(), process_time()
            for message in batch:
                writer.add_document(
                    tantivy.Document(
                        text=message["content"],
                        number=number,
                        role=message["role"],
                        source=source_of(message["session"]),
                    )
                )
                number += 1
            seconds += perf_counter() - began
            cpu += process_time() - used
        began, used = perf_counter(), process_time()
        writer.commit()
        writer.wait_merging_threads()
        seconds += perf_counter() - began
        return {"seconds": seconds, "cpu": cpu + process_time() - used, "messages": count}

    return act


def indexed_of(plan: Plan) -> Path:
    """Return an index of the searched corpus."""
    path = plan.folder / f"tantivy-{plan.backlog}"
    if not path.exists():
        plan.say(f"indexing {plan.backlog:,} messages with tantivy")
        alone(plan, "rivals.lucene", "index", folder=str(path), count=plan.backlog)
    return path


class Searcher:
    """Answers queries as ours do: the best 20 hits, each with a snippet."""

    def __init__(self, path: Path) -> None:
        self._tantivy, self._schema, self._index = _open(path)
        self._index.reload()
        self._searcher = self._index.searcher()

    def _parse(self, query: Query) -> Any:  # noqa: ANN401 - their type
        tantivy, schema = self._tantivy, self._schema
        prefix = _PREFIX.fullmatch(query.text)
        if prefix is not None:
            parsed = tantivy.Query.regex_query(schema, "text", f"{prefix[1].lower()}.*")
        else:
            parsed = self._index.parse_query(query.text, ["text"], conjunction_by_default=True)
        must = [(tantivy.Occur.Must, parsed)]
        for name, value in (("role", query.role), ("source", query.source)):
            if value is not None:
                term = tantivy.Query.term_query(schema, name, value)
                must.append((tantivy.Occur.Must, term))
        return tantivy.Query.boolean_query(must) if len(must) > 1 else parsed

    def search(self, query: Query) -> int:
        """Return the number of hits."""
        parsed = self._parse(query)
        found = self._searcher.search(parsed, limit=_LIMIT, count=False).hits
        snippets = self._tantivy.SnippetGenerator.create(
            self._searcher, parsed, self._schema, "text"
        )
        for _, address in found:
            snippets.snippet_from_doc(self._searcher.doc(address)).to_html()
        return len(found)
