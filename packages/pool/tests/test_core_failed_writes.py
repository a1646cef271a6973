"""Writes that fail or time out: the server may have said why."""

import pytest
from driving import URL_A, Driver
from script_steps import End, FailRead, FailWrite, Give, Stall, Step, TakeHead
from scripted import Network
from uploads import PIECE, REFUSAL, chunks
from virtual_clock import Clock

from httpcore_interface import (
    AsyncNetworkStream,
    NetworkStream,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

# -- a write that fails ------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"small", bytes(3 * PIECE)], ids=["small", "large"])
def test_answer_that_waits_behind_a_failed_write_is_the_response(
    driver: Driver, network: Network, body: bytes
) -> None:
    network.play(FailWrite(WriteError("broken pipe")), Give(REFUSAL), End())
    response = driver.pool().request("POST", URL_A, content=body)
    assert (response.status, response.body) == (413, b"too large")
    assert not network.open_connections


def test_answer_that_waits_behind_a_failed_write_of_a_part_is_the_response(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), FailWrite(WriteError("broken pipe")), Give(REFUSAL), End())
    response = driver.pool().request("POST", URL_A, content=driver.body(chunks(100)))
    assert response.body == b"too large"


def test_answer_behind_a_write_that_timed_out_is_the_response(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), Stall(), Give(REFUSAL))
    response = driver.pool().request(
        "POST", URL_A, content=driver.body(chunks(100)), extensions={"timeout": {"write": 5}}
    )
    assert response.status == 413


@pytest.mark.parametrize(
    "step", [End(), FailRead(ReadError("reset")), Give(b"HTTP/9 x\r\n\r\n")]
)
def test_failed_write_is_the_error_where_there_is_no_answer(
    driver: Driver, network: Network, step: Step
) -> None:
    network.play(FailWrite(WriteError("broken pipe")), step)
    pool = driver.pool()
    with pytest.raises(WriteError, match=r"^broken pipe$"):
        pool.request("POST", URL_A, content=b"body")
    assert pool.is_quiet
    assert pool.face.connections == []


def test_write_that_timed_out_waits_no_more(
    driver: Driver, network: Network, clock: Clock
) -> None:
    # Without a read timeout, waiting for the answer might take for ever.
    network.play(TakeHead(), Stall())
    before = clock.now
    with pytest.raises(WriteTimeout):
        driver.pool().request(
            "POST",
            URL_A,
            content=driver.body(chunks(100)),
            extensions={"timeout": {"write": 5}},
        )
    assert clock.now - before == 5


# -- a peer that is readable, but says nothing -------------------------------------------


class HalfRecord(NetworkStream):
    """A TLS stream whose peer sent a part of a record, and takes nothing any more."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        raise ReadTimeout("the record is incomplete")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    def wait_writable(self, timeout: float | None = None) -> bool:
        return False

    def close(self) -> None:
        pass

    def get_extra_info(self, info: str) -> object:
        return info == "is_readable"


class AsyncHalfRecord(AsyncNetworkStream):
    """The same, for async code."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        raise ReadTimeout("the record is incomplete")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    async def wait_writable(self, timeout: float | None = None) -> bool:
        return False

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> object:
        return info == "is_readable"


def test_half_a_record_does_not_hold_up_the_write_timeout(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the real clock.
    monkeypatch.undo()
    connection = driver.given(AsyncHalfRecord() if driver.prefix else HalfRecord())
    with pytest.raises(WriteTimeout):
        connection.request(
            "POST",
            URL_A,
            content=bytes(300_000),
            extensions={"timeout": {"write": 0.05}},
        )
    assert connection.face.is_closed()
