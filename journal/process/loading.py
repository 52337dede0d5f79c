"""Import modules while SIGINT, SIGTERM and SIGHUP are blocked, and no garbage is collected.

A command must end quietly at a Ctrl-C, also while its modules are loaded. An import must not be
interrupted: a C extension that is interrupted while it imports modules of its own ends in a
segmentation fault. So signals wait until the import is done.

Almost all objects that an import makes live as long as the process. Garbage collection among them
takes a quarter of the time of an import, so it is off.

This module imports only what is built into the interpreter: nothing is read from disk before the
signals are blocked.
"""

import gc
import sys
from _signal import (  # type: ignore[import-not-found] # built in, without a stub
    SIG_BLOCK,
    SIG_SETMASK,
    SIGHUP,
    SIGINT,
    SIGTERM,
    pthread_sigmask,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_BLOCKED = {SIGINT, SIGTERM, SIGHUP}
_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

# the script of a command imports this before it can call `run`: signals are blocked from here on
_is_script = sys.argv[:1] and sys.argv[0].rpartition("/")[2] in {"journal", "projector"}
_before = pthread_sigmask(SIG_BLOCK, _BLOCKED if _is_script else ())


def load(name: str) -> "ModuleType":
    """Import a module; a signal during the import is handled when this returns.

    Raises:
        KeyboardInterrupt: there was a Ctrl-C.
        Exception: whatever the module raises.
    """
    before = pthread_sigmask(SIG_BLOCK, _BLOCKED)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        from importlib import import_module  # noqa: PLC0415 - after the signals are blocked

        return import_module(name)
    finally:
        if was_enabled:
            gc.enable()
        pthread_sigmask(SIG_SETMASK, before)


def run(name: str) -> int:
    """Import a module and run its `main`; return the exit code.

    A Ctrl-C before or after `main` ends the process quietly, too: the interpreter would print a
    traceback.
    """
    try:
        try:
            pthread_sigmask(SIG_BLOCK, _BLOCKED)
            gc.disable()
            main = load(name).main
            gc.freeze()  # later collections skip the objects of these modules
            gc.enable()
            pthread_sigmask(SIG_SETMASK, _before)
            main()
        finally:
            pthread_sigmask(SIG_BLOCK, _BLOCKED)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
