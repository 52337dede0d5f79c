"""`journal retain`: forget what the policy of retention no longer keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_json, print_line
from journal.fs.directory import open_directory
from projector.cli.erasure.confirm import Mode, carry_out
from projector.cli.erasure.options import mode_options
from projector.cli.erasure.show_plan import plan_json
from projector.cli.kit.codes import CODES
from projector.errors import NotFound
from projector.forgetting.forget import forget, plan
from projector.forgetting.retention import NAME, read_policy

if TYPE_CHECKING:
    from pathlib import Path


@click.command("retain", cls=ExitCommand, codes=CODES)
@mode_options
@click.pass_context
def command(
    context: click.Context,
    dry_run: bool,  # noqa: FBT001 - click gives flags so
    yes: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Forget what the policy in retention.toml no longer keeps.

    Shows what would go, and asks. It forgets sessions as `journal forget --older-than` does,
    with the same receipts. There is no time limit.

    \b
        journal retain --dry-run

    \b
        # retention.toml
        automatic = true        # `projector run` applies it once a day
        pinned = ["s1"]         # whole ids of sessions that are kept
        deleted = "30d"         # forget what has been deleted for so long
        replaced = "30d"        # and values that were replaced so long ago
        [[rule]]                # the first rule that fits a session decides
        project = "~/customers" # with a working folder that is here or below
        older_than = "30d"      # since the last message; h, d or w
        [[rule]]
        source = "cli"          # sessions that are listed with this source
        older_than = "never"    # keep them
        [[rule]]
        older_than = "52w"

    Without a rule that fits, a session is kept. Without the file there is nothing to apply, and the
    exit code is 3. By default `automatic` is false, and `deleted` and `replaced` are "never". They
    forget as `journal forget` does with --deleted, --replaced and --older-than. If nothing is to be
    forgotten, the exit code is 0.

    JSON: {"scope", "sessions": [{"session", "title", "source", "messages", "words"}],
    "messages", "replays", "keys", "replaced", "children", "events", "elsewhere", "outcome"}

    It is that of `journal forget`.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    path: Path = context.obj
    mode = Mode(dry_run, yes, as_json)
    journal = open_directory(path, create=False)
    policy = read_policy(journal.path)
    if policy is None:
        raise NotFound(f"there is no {journal.path / NAME}; see `journal retain --help`")
    found = plan(path, policy)
    for pinned in found.unknown_pins:
        print_line(f"warning: {NAME} pins {pinned!r}, and no session has this id", err=True)
    if not found:
        if as_json:
            print_json(plan_json(found) | {"outcome": None})
        print_line("everything is kept", err=True)
        return
    carry_out(context, mode, found, lambda found: forget(path, found))
