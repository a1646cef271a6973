"""trio, as the streams and connects of the interface use it."""

import collections.abc
import contextlib
import socket

import trio

from httpcore_interface import AddressInfo
from httpcore_interface.scoped import Library


def _notify_closing(descriptor: int) -> None:
    # RuntimeError: trio is not running any more, and nobody waits.
    with contextlib.suppress(OSError, RuntimeError, ValueError, trio.ClosedResourceError):
        trio.lowlevel.notify_closing(descriptor)


async def _resolve(host: str, port: int) -> collections.abc.Sequence[AddressInfo]:
    return await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _cancelled_class() -> type[BaseException]:
    return trio.Cancelled


TRIO = Library(
    current_time=trio.current_time,
    cancel_scope=trio.CancelScope,
    create_event=trio.Event,
    create_task_group=trio.open_nursery,
    checkpoint=trio.lowlevel.checkpoint,
    sleep=trio.sleep,
    wait_readable=trio.lowlevel.wait_readable,
    wait_writable=trio.lowlevel.wait_writable,
    notify_closing=_notify_closing,
    resolve=_resolve,
    wait_failures=(OSError, ValueError, trio.BusyResourceError, trio.ClosedResourceError),
    busy=trio.BusyResourceError,
    cancelled_class=_cancelled_class,
)
