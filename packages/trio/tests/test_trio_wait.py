import socket

import pytest
import trio

from httpcore_trio._wait import one_of, wait_either


async def cancellation() -> trio.Cancelled:
    """Returns what trio raises in a task that is cancelled."""
    caught: list[trio.Cancelled] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as exc:
            caught.append(exc)
            raise
    return caught[0]


async def test_of_a_group_the_error_is_raised_and_not_the_cancellations() -> None:
    first, second, error = await cancellation(), await cancellation(), MemoryError()
    assert one_of(BaseExceptionGroup("", [first, second])) is first
    assert one_of(BaseExceptionGroup("", [first, error, second])) is error
    assert one_of(BaseExceptionGroup("", [first, BaseExceptionGroup("", [error])])) is error
    assert one_of(BaseExceptionGroup("", [BaseExceptionGroup("", [second]), first])) is second


@pytest.mark.parametrize("interrupted", ["wait_readable", "wait_writable"])
async def test_what_ends_a_wait_is_raised_without_a_group(
    monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    async def fail(sock: socket.socket) -> None:
        raise MemoryError

    monkeypatch.setattr(trio.lowlevel, interrupted, fail)
    ours, peer = socket.socketpair()
    with ours, peer, pytest.raises(MemoryError) as caught:
        await wait_either(ours)
    assert not isinstance(caught.value.__context__, BaseExceptionGroup)
