"""anyio, as the streams and connects of the interface use it."""

import collections.abc
import contextlib
import socket

import anyio
import anyio.lowlevel
import anyio.to_thread

from httpcore_interface import AddressInfo
from httpcore_interface.scoped import Library


def _notify_closing(descriptor: int) -> None:
    # No loop may be running any more, where nobody waits. Each library says so in its
    # own way: all that counts is that those who wait are woken, if there are any.
    with contextlib.suppress(Exception):
        anyio.notify_closing(descriptor)


async def _resolve(host: str, port: int) -> collections.abc.Sequence[AddressInfo]:
    # Not the loop's own way: asyncio waits for its threads when it ends, and thus
    # for a resolver that hangs.
    return await anyio.to_thread.run_sync(_look_up, host, port, abandon_on_cancel=True)


def _look_up(host: str, port: int) -> collections.abc.Sequence[AddressInfo]:
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)


ANYIO = Library(
    current_time=anyio.current_time,
    cancel_scope=anyio.CancelScope,
    create_event=anyio.Event,
    create_task_group=anyio.create_task_group,
    checkpoint=anyio.lowlevel.checkpoint,
    sleep=anyio.sleep,
    wait_readable=anyio.wait_readable,
    wait_writable=anyio.wait_writable,
    notify_closing=_notify_closing,
    resolve=_resolve,
    wait_failures=(OSError, ValueError, anyio.BusyResourceError, anyio.ClosedResourceError),
    busy=anyio.BusyResourceError,
    cancelled_class=anyio.get_cancelled_exc_class,
)
