"""Scripts that say how writing goes."""

import math

import pytest
from mock_faces import Mocks

from httpcore_interface import WriteError, WriteTimeout
from httpcore_mock import UnscriptedError, WriteDelay, WriteFailure


def test_writes_are_noted_one_by_one(mocks: Mocks) -> None:
    stream, connection = mocks.open()
    stream.write(b"one")
    stream.write(b"two", 5)
    assert connection.writes == [b"one", b"two"]
    assert connection.written == b"onetwo"
    assert connection.write_timeouts == [None, 5]


def test_what_was_written_is_noted_as_it_was(mocks: Mocks) -> None:
    stream, connection = mocks.open()
    buffer = bytearray(b"before")
    stream.write(buffer)  # type: ignore[arg-type] # any buffer is taken
    buffer[:] = b"behind"
    stream.write(memoryview(buffer)[::2])  # type: ignore[arg-type] # likewise
    assert connection.writes == [b"before", b"bhn"]
    assert {type(each) for each in connection.writes} == {bytes}


@pytest.mark.parametrize("wrong", ["text", 3, None])
def test_what_is_no_buffer_is_refused(mocks: Mocks, wrong: str | int | None) -> None:
    stream, connection = mocks.open()
    with pytest.raises(TypeError):
        stream.write(wrong)  # type: ignore[arg-type] # that is the point
    assert connection.writes == []


def test_write_failure_is_for_ever(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteFailure())
    with pytest.raises(WriteError, match=r"^connection reset by peer$") as first:
        stream.write(b"one")
    with pytest.raises(WriteError, match=r"^an earlier write failed, and may") as second:
        stream.write(b"two")
    assert second.value.__cause__ is first.value
    assert connection.writes == []
    assert connection.write_timeouts == [None, None]


def test_write_failure_waits_for_what_stands_before_it(mocks: Mocks) -> None:
    stream, connection = mocks.open(b"answer", WriteFailure())
    stream.write(b"request")
    assert stream.read(100) == b"answer"
    with pytest.raises(WriteError):
        stream.write(b"another")
    assert connection.written == b"request"


def test_write_timeout_on_cue_needs_no_timeout(mocks: Mocks) -> None:
    stream, _ = mocks.open(WriteFailure(WriteTimeout("full")))
    with pytest.raises(WriteTimeout, match=r"^full$"):
        stream.write(b"one")
    with pytest.raises(WriteError):
        stream.write(b"two")


def test_write_that_is_delayed_takes_virtual_time(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteDelay(3))
    stream.write(b"one", 3)
    stream.write(b"two", 0)
    assert connection.written == b"onetwo"
    assert connection.elapsed == 3


def test_write_that_is_delayed_too_long_breaks_the_stream(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteDelay(3))
    with pytest.raises(WriteTimeout, match=r"^the peer took no bytes for 2 seconds$"):
        stream.write(b"one", 2)
    with pytest.raises(WriteError):
        stream.write(b"two", 2)
    assert connection.elapsed == 2
    assert connection.written == b""


def test_write_that_is_delayed_for_ever_needs_a_timeout(mocks: Mocks) -> None:
    stream, _ = mocks.open(WriteDelay(math.inf))
    with pytest.raises(UnscriptedError, match="is for ever"):
        stream.write(b"one")


def test_stream_is_writable_once_the_delay_is_over(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteDelay(3))
    with pytest.raises(WriteTimeout, match=r"for 1 seconds$"):
        stream.wait_writable(1)
    assert stream.wait_writable(2) is True
    stream.write(b"one", 0)
    assert connection.elapsed == 3
    assert connection.written == b"one"


def test_stream_is_writable_even_if_the_write_will_fail(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteFailure())
    assert stream.wait_writable(0) is True
    assert len(connection.unplayed) == 1
    with pytest.raises(WriteError):
        stream.write(b"one")


def test_closed_stream_writes_nothing(mocks: Mocks) -> None:
    stream, connection = mocks.open()
    stream.close()
    with pytest.raises(WriteError, match=r"^the stream was closed on this side$"):
        stream.write(b"one")
    with pytest.raises(WriteError, match=r"^the stream was closed on this side$"):
        stream.wait_writable()
    assert connection.writes == []
