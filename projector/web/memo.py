"""Answers that are kept for a while, for questions that read a whole projection."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from journal.errors import JournalError
from projector.errors import ProjectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

_MOST = 2_000
"""Answers that are kept; the one that was used longest ago goes first."""
_MOMENT, _PAUSE = 0.8, 0.02
"""Seconds for which a request waits, and between two looks."""
_SHARE = 20
"""An answer that took a second is kept for so many seconds: less than 5 % of a core is spent."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Any
    made: float
    took: float


class Memo:
    """Keeps answers by a key. Safe for threads.

    An answer that is too old is given once more while a thread makes the next one, so that no
    request but the first one waits for it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._making: set[Hashable] = set()
        self._lock = Lock()

    def get(self, key: Hashable, seconds: float, make: Callable[[], Answer]) -> Answer:
        """Return the answer of a key.

        Args:
            key: names the question with its arguments.
            seconds: for which an answer is good, or longer if it took long to make.
            make: makes it; what it raises is raised if there is no older answer.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                is_old = time.monotonic() - kept.made > max(seconds, kept.took * _SHARE)
                if is_old and key not in self._making:
                    self._making.add(key)
                    Thread(target=self._again, args=(key, make), daemon=True).start()
                answer: Answer = kept.answer
                return answer
        return self._make(key, make)

    def soon(self, key: Hashable, seconds: float, make: Callable[[], Answer]) -> Answer | None:
        """Return the answer of a key as `get` does; None if there is none after a moment.

        It is then made on a thread of its own, so that a later call has it.
        """
        with self._lock:
            is_known = key in self._kept
            if not is_known and key not in self._making:
                self._making.add(key)
                Thread(target=self._again, args=(key, make), daemon=True).start()
        end = time.monotonic() + _MOMENT
        while not is_known and time.monotonic() < end:
            time.sleep(_PAUSE)
            with self._lock:
                is_known = key in self._kept
        return self.get(key, seconds, make) if is_known else None

    def _make(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        begun = time.monotonic()
        answer = make()
        ended = time.monotonic()
        with self._lock:
            self._kept[key] = _Kept(answer, ended, ended - begun)
            if len(self._kept) > _MOST:  # one was added
                self._kept.popitem(last=False)
        return answer

    def _again(self, key: Hashable, make: Callable[[], Answer]) -> None:
        try:
            self._make(key, make)
        except (ProjectionError, JournalError) as error:  # the older answer stays
            _log.info("not made again: %s", error)
        finally:
            with self._lock:
                self._making.discard(key)
