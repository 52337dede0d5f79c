"""Notes the names of the machines where `journal` and `projector` read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.fs.files import make_folder
from journal.segments.machines import Machine, Machines, read_machines, write_machines
from projector.relay.identity import RELAY, former_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.fs.directory import Directory
    from projector.relay.fleet.have import Have


def note_machines(journal: Directory, name: str, reports: Iterable[tuple[int, Have]] = ()) -> None:
    """Note the name of this machine, and what the others reported; what was known stays.

    A uuid that a machine had before has its name, too, unless another machine has it still: of a
    journal and its copy.

    Args:
        journal: the journal, with a folder of the relay.
        name: of this machine.
        reports: when each other machine reported, microseconds since 1970, and what.

    Raises:
        ReadError: what was known cannot be read.
        OSError: the file system refuses.
    """
    before = read_machines(journal)
    own, former = machine_of(journal), former_of(journal)
    known = {each.machine: each for each in before.others}
    heard = [
        (have, Machine(have.machine, have.name, seen, have.clock - seen))
        for seen, have in sorted(reports, key=lambda each: each[0])
    ]
    for have, machine in heard:
        for uuid in have.former:
            known[uuid] = Machine(uuid, machine.name, machine.seen, machine.skew)
    known |= {machine.machine: machine for _, machine in heard}
    others = [known[uuid] for uuid in sorted(known) if uuid not in {own, *former}]
    found = Machines(own, name, former, tuple(others))
    if found != before:
        write_machines(journal, found)


def learn_machines(journal: Directory, other: Machines) -> None:
    """Note the names that another journal knows, of which this one gets mirrors.

    Raises:
        ReadError: what was known cannot be read.
        OSError: the file system refuses.
    """
    make_folder(journal.path / RELAY)
    before = read_machines(journal)
    own, former = machine_of(journal), former_of(journal)
    known = {other.machine: Machine(other.machine, other.name, 0, 0)}
    known |= {each.machine: each for each in (*other.others, *before.others)}
    others = [known[uuid] for uuid in sorted(known) if uuid not in {own, *former}]
    name = own if before.name == before.machine else before.name
    found = Machines(own, name, former, tuple(others))
    if found != before:
        write_machines(journal, found)
