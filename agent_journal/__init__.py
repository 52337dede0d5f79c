"""Where the scripts of both commands start; the libraries are `journal` and `projector`.

Importing those takes a while, in which a Ctrl-C must end a command as it does later. It is held
back until they are loaded: a C extension that is interrupted while it imports modules of its own
ends in a segmentation fault. So is one that comes when the command is done: the interpreter would
print a traceback while it ends.
"""

import sys

# built into the interpreter: nothing is loaded from disk before signals are held back
from _signal import (  # type: ignore[import-not-found] # builtin, without a stub
    SIG_BLOCK,
    SIG_SETMASK,
    SIGHUP,
    SIGINT,
    SIGTERM,
    pthread_sigmask,
)

_HELD = {SIGINT, SIGTERM, SIGHUP}
_is_script = sys.argv[:1] and sys.argv[0].rpartition("/")[2] in {"journal", "projector"}
_before = pthread_sigmask(SIG_BLOCK, _HELD if _is_script else ())

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
        try:
            pthread_sigmask(SIG_BLOCK, _HELD)
            from importlib import import_module  # noqa: PLC0415 - behind the line above

            main = import_module(module).main
            pthread_sigmask(SIG_SETMASK, _before)
            main()
        finally:
            pthread_sigmask(SIG_BLOCK, _HELD)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
