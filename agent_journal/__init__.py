"""Where the scripts of both commands start; the libraries are `journal` and `projector`.

Importing those takes a while, in which a Ctrl-C must end a command as it does later: this package
imports nothing of them before it can catch it.
"""

from importlib import import_module

_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def journal() -> int:
    """Run the `journal` command; return its exit code."""
    return _run("journal.cli")


def projector() -> int:
    """Run the `projector` command; return its exit code."""
    return _run("projector.cli")


def _run(module: str) -> int:
    try:
        import_module(module).main()
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
