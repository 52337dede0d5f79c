"""Show what would be forgotten, ask, and forget it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from journal.cli.kit.ask import ask, can_ask
from journal.cli.kit.exits import BUSY, DONE, INCOMPLETE
from journal.cli.kit.output import print_json, print_line
from projector.cli.erasure.show_outcome import outcome_json, show_outcome
from projector.cli.erasure.show_plan import plan_json, show_elsewhere, show_plan
from projector.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from projector.forgetting.finish import Outcome
    from projector.forgetting.plan import Plan


@dataclass(frozen=True, slots=True)
class Mode:
    """How a command that forgets is used.

    Attributes:
        dry_run: whether it only shows what would be forgotten.
        yes: whether it does not ask.
        as_json: whether it prints JSON.
    """

    dry_run: bool
    yes: bool
    as_json: bool

    def check(self) -> None:
        """Refuse to forget anything without having asked.

        Raises:
            click.UsageError: there is no terminal to ask on, or the question would be in JSON.
        """
        if self.dry_run or self.yes:
            return
        if self.as_json:
            raise click.UsageError("--json does not ask: give --yes, or --dry-run to see the plan")
        if not can_ask():
            raise click.UsageError(
                "there is no terminal to ask on: give --yes, or --dry-run to see the plan"
            )


def carry_out(
    context: click.Context, mode: Mode, plan: Plan, forget: Callable[[Plan], Outcome]
) -> None:
    """Show a plan, ask, carry it out, and show what was done.

    Raises:
        NotFound: the plan is of nothing.
        click.UsageError: as `Mode.check`.
        click.exceptions.Exit: something is pending, or the answer was no.
    """
    if not mode.as_json:
        show_elsewhere(plan)
    if not plan:
        raise NotFound("nothing matches: there is nothing to forget")
    mode.check()
    if not (mode.as_json or (mode.yes and not mode.dry_run)):
        show_plan(plan)
    if mode.dry_run:
        if mode.as_json:
            print_json(plan_json(plan) | {"outcome": None})
        return
    if not (mode.yes or ask("Forget this for ever?")):
        print_line("nothing was forgotten", err=True)
        context.exit(1)
    try:
        outcome = forget(plan)
    except KeyboardInterrupt:
        print_line(
            "interrupted: if `journal erasures` lists a new request, what it names is hidden, and"
            " `journal forget --finish` removes the bytes; else nothing was done",
            err=True,
        )
        raise
    if mode.as_json:
        print_json(plan_json(plan) | {"outcome": outcome_json(outcome)})
    show(context, outcome, as_json=mode.as_json)


def show(context: click.Context, outcome: Outcome, *, as_json: bool) -> None:
    """Show an outcome for people; exit with a code if something is left to do.

    Raises:
        click.exceptions.Exit: another process holds a segment (`BUSY`), or something could not be
            checked or understood (`INCOMPLETE`).
    """
    if not as_json:
        show_outcome(outcome)
    if code := exit_code(outcome):
        context.exit(code)


def exit_code(outcome: Outcome) -> int:
    """Return the exit code of a command with an outcome.

    It is `BUSY` only where it helps to wait and to repeat the command. `INCOMPLETE` are damage, a
    lost request, files that are none of the journal's, and a missing key or a segment of a newer
    version, which keep a request pending.
    """
    if outcome.pending:
        return BUSY
    if not outcome.is_complete or outcome.unreadable or outcome.lost or outcome.foreign:
        return INCOMPLETE
    return DONE
