"""Exports of a package that are loaded when they are first used (PEP 562).

If the `__init__` of a package imports all exports, loading any module loads all of them: a command
that appends one message would load the code that follows a journal.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy(
    package: str, homes: "Mapping[str, tuple[str, ...]]"
) -> "tuple[Callable[[str], object], Callable[[], list[str]]]":
    """Return `__getattr__` and `__dir__` of a package.

    Args:
        package: its name.
        homes: the names that it exports, by the module that holds them.
    """
    modules = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - a use may never come

        from journal.process.fork import no_fork  # noqa: PLC0415 - `import journal` stays light

        # a child that is forked while another thread imports would wait for ever for that thread
        with no_fork.turn:
            value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return load, names
