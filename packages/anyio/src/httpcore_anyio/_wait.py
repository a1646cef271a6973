"""Waiting until sockets are ready, and undoing groups of exceptions."""

import collections.abc
import socket

import anyio

Wait = collections.abc.Callable[[socket.socket], collections.abc.Awaitable[None]]

# What a wait raises where the socket is closed, or is waited for by somebody else.
WAIT_FAILURES = (OSError, ValueError, anyio.BusyResourceError, anyio.ClosedResourceError)


async def wait_either(sock: socket.socket) -> None:
    """Waits until a read or a write of a socket would do something at once.

    Where another task waits to read it, only a write counts.

    Raises:
        OSError: The socket is closed.
        ClosedResourceError: It was closed meanwhile.
        BusyResourceError: Another task waits to write it.
    """
    failures: list[Exception] = []

    async def watch(wait: Wait) -> None:
        try:
            await wait(sock)
        except WAIT_FAILURES as exc:
            if wait is anyio.wait_readable and isinstance(exc, anyio.BusyResourceError):
                return
            failures.append(exc)
        tasks.cancel_scope.cancel()

    failure: BaseException | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, anyio.wait_readable)
            await watch(anyio.wait_writable)
    except BaseExceptionGroup as group:
        failure = one_of(group)
    # Outside of the handler: the group must not become its context, and thus a cycle.
    if failure is not None:
        raise failure
    if failures:
        raise failures[0]


def one_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns what to raise in the place of a task group's group: never a group.

    A cancellation, which trio groups as well, only if there is nothing else.
    """
    first = None
    for exc in group.exceptions:
        leaf = one_of(exc) if isinstance(exc, BaseExceptionGroup) else exc
        if not isinstance(leaf, anyio.get_cancelled_exc_class()):
            return leaf
        first = first or leaf
    assert first is not None
    return first
