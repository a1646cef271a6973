import dataclasses
import socket

import anyio
import anyio.lowlevel
import pytest

from httpcore_anyio._library import ANYIO
from httpcore_interface.scoped._wait import one_of, wait_either


async def cancellation() -> BaseException:
    """Returns what the loop raises in a task that is cancelled."""
    caught: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            caught.append(exc)
            raise
    return caught[0]


async def test_of_a_group_the_error_is_raised_and_not_the_cancellations() -> None:
    first, second, error = await cancellation(), await cancellation(), MemoryError()

    def chosen(*exceptions: BaseException) -> BaseException:
        return one_of(BaseExceptionGroup("", exceptions), ANYIO.cancelled_class())

    assert chosen(first, second) is first
    assert chosen(first, error, second) is error
    assert chosen(first, BaseExceptionGroup("", [error])) is error
    assert chosen(BaseExceptionGroup("", [second]), first) is second


@pytest.mark.parametrize("interrupted", ["wait_readable", "wait_writable"])
async def test_what_ends_a_wait_is_raised_without_a_group(interrupted: str) -> None:
    async def fail(sock: socket.socket) -> None:
        raise MemoryError

    # Either has this type.
    library = dataclasses.replace(ANYIO, **{interrupted: fail})  # type: ignore[arg-type]
    ours, peer = socket.socketpair()
    with ours, peer, pytest.raises(MemoryError) as caught:
        await wait_either(library, ours)
    assert not isinstance(caught.value.__context__, BaseExceptionGroup)
