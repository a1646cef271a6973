"""One-shot events: set once, waited for with a timeout.

The only primitive that differs between blocking code, asyncio and trio. Neither
library is imported here before it is found running, so that a backend, whoever
wrote it, costs only what it uses.

One rule: `set()` never waits and takes no lock, so that a finaliser may call it
at any moment, in any thread.
"""

import contextlib
import sys
import threading

from ._missing import missing


class Event:
    """A one-shot event for threads."""

    # A bare lock, held until the event is set: a fifth of what a
    # threading.Event (a condition and two locks) costs to make.
    __slots__ = ("_is_set", "_lock")

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wakes whoever waits, now or later. Setting it again does nothing."""
        self._is_set = True
        # Every time: a signal handler may have raised before it could be done.
        self._open()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the event is set.

        Args:
            timeout: Seconds to wait; None and infinity wait for ever, 0 or less
                only looks.

        Returns:
            Whether the event is set.
        """
        if self._is_set:
            return True
        if timeout is None or timeout > threading.TIMEOUT_MAX:
            seconds = -1.0
        else:
            seconds = max(timeout, 0.0)
        if self._lock.acquire(timeout=seconds):
            self._open()
        return self._is_set

    def _open(self) -> None:
        # Two setters may both find the event not set, and whoever waits may take the
        # lock between them: the second opens it for him, or finds it open.
        with contextlib.suppress(RuntimeError):
            self._lock.release()


class AsyncEvent:
    """A one-shot event for tasks: what every async library's event looks like."""

    __slots__ = ()

    def set(self) -> None:
        """Wakes whoever waits, now or later. Setting it again does nothing."""
        raise missing(self, "set")

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits until the event is set.

        Args:
            timeout: Seconds to wait; None and infinity wait for ever, 0 or less
                only looks.

        Returns:
            Whether the event is set.
        """
        raise missing(self, "wait")


def running_async_library() -> str:
    """Returns "asyncio" or "trio", whichever runs the calling code.

    Raises:
        RuntimeError: Neither does.
    """
    # trio first: its guest mode runs inside a loop of asyncio, never the reverse.
    # None in the table forbids an import, as tests do to a library.
    if sys.modules.get("trio") is not None:
        import trio

        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            pass
        else:
            return "trio"
    if "asyncio" in sys.modules:
        import asyncio

        if asyncio._get_running_loop() is not None:
            return "asyncio"
    raise RuntimeError("no event loop is running here: neither asyncio nor trio")


# By the library. An import statement costs a microsecond each time, and events are made
# for requests that wait.
_event_types: dict[str, type[AsyncEvent]] = {}


def create_async_event() -> AsyncEvent:
    """Returns a one-shot event of the library that runs the calling code.

    Raises:
        RuntimeError: Neither asyncio nor trio is running.
    """
    library = running_async_library()
    event_type = _event_types.get(library)
    if event_type is None:
        event_type = _event_types[library] = _event_type_of(library)
    return event_type()


def _event_type_of(library: str) -> type[AsyncEvent]:
    if library == "trio":
        from ._trio_event import TrioEvent

        return TrioEvent
    from ._asyncio_event import AsyncioEvent

    return AsyncioEvent


async def sleep(seconds: float) -> None:
    """Waits in the library that runs the calling code.

    Args:
        seconds: How long; infinity waits for ever, until cancelled.
    """
    if running_async_library() == "trio":
        import trio

        await trio.sleep(seconds)
    else:
        import asyncio

        await asyncio.sleep(seconds)
