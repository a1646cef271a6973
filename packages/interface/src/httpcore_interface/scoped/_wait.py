"""What to wait for, waiting for two things at once, and undoing groups of exceptions."""

import errno
import os
import socket

from ._library import Library, Wait


def descriptor_of(sock: socket.socket) -> int:
    """Returns the descriptor to wait for.

    Never -1, which is what a socket has that was closed behind our back: trio does not
    forget a wait for that, and its whole run ends when the closing of such a socket is
    announced.

    Raises:
        OSError: The socket is closed.
    """
    descriptor = sock.fileno()
    if descriptor < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return descriptor


async def wait_either(library: Library, sock: socket.socket) -> None:
    """Waits until a read or a write of a socket would do something at once.

    Where another task waits to read it, only a write counts.

    Raises:
        Exception: One of `library.wait_failures`: the socket is closed, was closed
            meanwhile, or another task waits to write it.
    """
    descriptor = descriptor_of(sock)
    failures: list[Exception] = []

    async def watch(wait: Wait) -> None:
        try:
            await wait(descriptor)
        except library.wait_failures as exc:
            if wait is library.wait_readable and isinstance(exc, library.busy):
                return
            failures.append(exc)
        tasks.cancel_scope.cancel()

    failure: BaseException | None = None
    try:
        async with library.create_task_group() as tasks:
            tasks.start_soon(watch, library.wait_readable)
            await watch(library.wait_writable)
    except BaseExceptionGroup as group:
        failure = one_of(group, library.cancelled_class())
    # Outside of the handler: the group must not become its context, and thus a cycle.
    if failure is not None:
        raise failure
    if failures:
        raise failures[0]


def one_of(
    group: BaseExceptionGroup[BaseException], cancelled: type[BaseException]
) -> BaseException:
    """Returns what to raise in the place of a task group's group: never a group.

    A cancellation, which some libraries group as well, only if there is nothing else.
    """
    first = None
    for exc in group.exceptions:
        leaf = one_of(exc, cancelled) if isinstance(exc, BaseExceptionGroup) else exc
        if not isinstance(leaf, cancelled):
            return leaf
        first = first or leaf
    assert first is not None
    return first
