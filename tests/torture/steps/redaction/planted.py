"""Plant secrets in random values, and search all written files for them.

::

    python -m tests.torture.steps.redaction.planted                       1,000 seeds
    python -m tests.torture.steps.redaction.planted --seeds 50 --seed 7   seeds 7 to 56
    python -m tests.torture.steps.redaction.planted --seconds 60          as many as fit
    python -m tests.torture.steps.redaction.planted --sample              a few, as `make test` does

Each seed makes up secrets of all kinds that `tests/support/redaction` knows, each in a text by
which the rules know it, and plants them at random places: contents and parts of them, arguments and
results of tools, JSON in JSON, reasoning, titles, prompts, `extra`, `config`, values of keys, new
transcripts, and events of unknown types.

- **events** are appended with redaction. **sources** of each importer are imported with it. A
  journal without redaction is **exported**. No file of the journals with their projections, and
  not the exported one, holds a planted secret: as plain text, as JSON or JSON in JSON, as words of
  the index, or as base64.
- No other part of a value is changed, each mark has the digits of its secret, and `redacted` of the
  event has their number and the hash of the original.
- **rules** change: the sources are imported again under other rules, to other lanes. There is no
  conflict and no message twice, and the digest is that of the same lanes in any order of arrival.
- a made-up source of any kind is **read again**, with and without redaction, without the ledger,
  without the rules of the user, and as a copy: after sessions and messages of it were forgotten,
  after the journal was redacted by more rules, with a new key, and after a restored backup. Nothing
  is appended, and there is no conflict.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from journal.format.keyed_hash import Key
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules
from tests.support.disks.in_memory import MEMORY
from tests.support.redaction.planted_secrets import planted_secrets
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.redaction.appended import check_appended
from tests.torture.redaction.checks import Done, Wrong
from tests.torture.redaction.imported import check_imported
from tests.torture.redaction.reread import Reread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.redaction.drawing import Planted

_AMOUNT = Amount(1_000, sample=3)


def known(seed: int) -> list[Planted]:
    """Return made-up secrets that the rules find, each in its text; almost all of them.

    Raises:
        Wrong: more than 5 % are not found.
    """
    redactor = Redactor([own_rules()], lambda: Key(bytes(32)))
    planted = planted_secrets(seed)
    found = [it for it in planted if not it.leaks(redactor.text(it.text))]
    if len(found) < 0.95 * len(planted):
        missed = {it.kind for it in planted} - {it.kind for it in found}
        raise Wrong(f"only {len(found)} of {len(planted)} are found, none of {missed}")
    return found


def trouble(seed: int, done: Done) -> str | None:
    """Check one seed; return what is wrong, None if nothing is."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="redaction-", dir=MEMORY) as folder:
        try:
            planted = known(seed)
            check_appended(Path(folder) / "events", random, planted, done)
            check_imported(Path(folder), random, planted, done)
            again_in = Path(folder) / "again"
            again_in.mkdir()
            Reread(again_in, Random(seed)).run()
        except Wrong as error:
            return str(error)
        except Exception:  # noqa: BLE001 - the seed is printed with it
            return traceback.format_exc()
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    done, began = Done(), time.monotonic()
    for seed in _AMOUNT.budget(given).seeds():
        done.seeds += 1
        wrong = trouble(seed, done)
        if wrong is not None:
            print(f"FAILED seed {seed}: {wrong[-3000:]}")
            print(f"again: {again('redaction.planted', seed, 'seeds')}")
            return 1
    print(
        f"redaction: seeds {given.seed} to {given.seed + done.seeds - 1}: {done.events:,} redacted"
        f" events with {done.kinds.total():,} marks of {len(done.kinds)} kinds; {done.secrets:,}"
        f" secrets looked for, none written; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
