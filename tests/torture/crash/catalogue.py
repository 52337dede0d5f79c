"""The workloads by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.torture.crash import workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.torture.crash.workloads import Scene

    Workload = Callable[[Scene], None]

_COMPACTOR_LIVES = 40
"""Operations of a compaction that is killed at each of them; with the last it must live on."""
_ERASER_LIVES = 30
"""Number of an eraser's operations; it is killed at each, and survives with the last."""
_LIVES = 30
"""Number of a process's operations; it is killed at each, and survives with the last."""


def all_workloads() -> dict[str, Workload]:
    """Return the workloads by name."""
    found: dict[str, Workload] = {
        "first of all": workloads.first_of_all,
        "never": workloads.never,
        "interval": workloads.interval,
        "several lanes": workloads.several_lanes,
        "rolls, always": partial(workloads.rolls, fsync="always"),
        "rolls, never": partial(workloads.rolls, fsync="never"),
        "taken over": workloads.taken_over,
        "folder refused": workloads.folder_refused,
        "threads": workloads.threads,
        "imported": workloads.imported,
        "erased": workloads.erased,
        "erased beside, never": partial(workloads.erased_beside, fsync="never"),
        "erased beside, always": partial(workloads.erased_beside, fsync="always"),
        "compacted beside, never": partial(workloads.compacted, fsync="never"),
        "compacted beside, always": partial(workloads.compacted, fsync="always"),
        "published": workloads.published,
        "projected": workloads.projected,
    }
    for fsync in ("always", "interval", "never"):
        for room in (0, 1, 100, 400):
            name = f"full disk, {fsync}, {room} bytes"
            found[name] = partial(workloads.full_disk, fsync=fsync, room=room)
        for times in (1, 2, 3):
            name = f"sync refused, {fsync}, {times} times"
            found[name] = partial(workloads.refused, fsync=fsync, times=times)
    for life in range(_LIVES):
        last = life == _LIVES - 1
        found[f"killed at {life}"] = partial(workloads.killed_at, life=life, last=last)
    for life in range(_ERASER_LIVES):
        last = life == _ERASER_LIVES - 1
        found[f"eraser killed at {life}"] = partial(
            workloads.eraser_killed_at, life=life, last=last
        )
    for life in range(_COMPACTOR_LIVES):
        last = life == _COMPACTOR_LIVES - 1
        found[f"compactor killed at {life}"] = partial(
            workloads.compactor_killed_at, life=life, last=last
        )
    return found


def family(name: str) -> str:
    """Return the common prefix of workloads that begin alike, and so leave equal disks."""
    return name.partition(" at ")[0] if " killed at " in f" {name}" else name


def families(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the names of each family, the largest first."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(family(name), []).append(name)
    return sorted(map(tuple, found.values()), key=len, reverse=True)
