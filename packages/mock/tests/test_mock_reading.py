"""Scripts that say how reading goes."""

import math

import pytest
from mock_faces import Mocks

from httpcore_interface import ReadError, ReadTimeout, WriteError, WriteTimeout
from httpcore_mock import (
    ConnectDelay,
    Delay,
    EndOfStream,
    HandshakeFailure,
    ReadFailure,
    UnscriptedError,
    Unsolicited,
    WriteDelay,
    WriteFailure,
)


def test_script_with_a_cue_does_not_end_by_itself(mocks: Mocks) -> None:
    backend = mocks.backend([Delay(0), b"body"])
    stream = backend.connect_tcp("example.com", 80)
    assert stream.read(100) == b"body"
    with pytest.raises(UnscriptedError, match="at its end"):
        stream.read(100)


def test_one_of_several_scripts_does_not_end_by_itself(mocks: Mocks) -> None:
    stream, _ = mocks.open(b"body")
    assert stream.read(100) == b"body"
    with pytest.raises(UnscriptedError):
        stream.read(100)


def test_end_of_stream_is_for_ever(mocks: Mocks) -> None:
    stream, connection = mocks.open(b"body", EndOfStream(), b"never")
    assert [stream.read(100) for _ in range(3)] == [b"body", b"", b""]
    stream.write(b"still heard")
    assert stream.read(100) == b""
    assert connection.written == b"still heard"
    assert connection.unplayed == [b"never"]


def test_end_of_stream_shows_while_idle(mocks: Mocks) -> None:
    stream, _ = mocks.open(b"body", EndOfStream())
    assert stream.get_extra_info("is_readable") is False
    stream.read(100)
    assert stream.get_extra_info("is_readable") is True
    stream.read(100)
    assert stream.get_extra_info("is_readable") is True


@pytest.mark.parametrize("hidden", [b"", Delay(0)])
def test_end_of_stream_can_be_hidden(mocks: Mocks, hidden: bytes | Delay) -> None:
    stream, _ = mocks.open(hidden, EndOfStream())
    assert stream.get_extra_info("is_readable") is False
    assert stream.read(100) == b""


def test_read_failure_is_for_ever(mocks: Mocks) -> None:
    cause = OSError(104, "reset")
    error = ReadError("gone")
    error.__cause__ = cause
    stream, _ = mocks.open(b"half", ReadFailure(error), b"never")
    assert stream.read(100) == b"half"
    assert stream.get_extra_info("is_readable") is True
    caught = []
    for _ in range(2):
        with pytest.raises(ReadError, match=r"^gone$") as raised:
            stream.read(100)
        caught.append(raised.value)
        assert raised.value.__cause__ is cause
        assert stream.get_extra_info("is_readable") is True
    # An exception that was raised has a traceback: the cue is not to have one.
    assert len({id(each) for each in (*caught, error)}) == 3
    assert error.__traceback__ is None


def test_read_failure_is_a_reset_if_nothing_is_said(mocks: Mocks) -> None:
    stream, _ = mocks.open(ReadFailure())
    with pytest.raises(ReadError, match=r"^connection reset by peer$"):
        stream.read(100)


def test_read_timeout_on_cue_is_once_and_needs_no_timeout(mocks: Mocks) -> None:
    stream, connection = mocks.open(ReadFailure(ReadTimeout("slow")), b"body")
    assert stream.get_extra_info("is_readable") is False
    with pytest.raises(ReadTimeout, match=r"^slow$"):
        stream.read(100)
    assert stream.read(100) == b"body"
    assert connection.elapsed == 0


@pytest.mark.parametrize("timeout", [None, math.inf, 5, 3, 1e12])
def test_delay_within_the_timeout_takes_virtual_time(
    mocks: Mocks, timeout: float | None
) -> None:
    stream, connection = mocks.open(Delay(3), b"body")
    assert stream.get_extra_info("is_readable") is False
    assert stream.read(100, timeout) == b"body"
    assert connection.elapsed == 3


@pytest.mark.parametrize("timeout", [2.5, 0, -1, math.nan])
def test_delay_beyond_the_timeout_is_a_read_timeout(mocks: Mocks, timeout: float) -> None:
    stream, connection = mocks.open(Delay(3), b"body")
    with pytest.raises(ReadTimeout, match=f"^nothing came within {timeout} seconds$"):
        stream.read(100, timeout)
    assert connection.elapsed == (2.5 if timeout == 2.5 else 0)
    # Nothing is lost, and the time that has passed has passed.
    assert stream.read(100, 3) == b"body"
    assert connection.elapsed == 3


def test_rest_of_a_delay_waits_for_the_next_read(mocks: Mocks) -> None:
    stream, connection = mocks.open(Delay(3), b"body")
    for _ in range(2):
        with pytest.raises(ReadTimeout):
            stream.read(100, 1)
    assert stream.read(100, 1) == b"body"
    assert connection.elapsed == 3


def test_delay_that_is_over_leaves_the_next_one_whole(mocks: Mocks) -> None:
    stream, connection = mocks.open(Delay(3), b"one", Delay(3), b"two")
    with pytest.raises(ReadTimeout):
        stream.read(100, 1)
    assert stream.read(100, 2) == b"one"
    with pytest.raises(ReadTimeout):
        stream.read(100, 2)
    assert stream.read(100, 1) == b"two"
    assert connection.elapsed == 6


def test_delays_that_follow_each_other_share_one_timeout(mocks: Mocks) -> None:
    stream, connection = mocks.open(Delay(2), Delay(2), b"body")
    with pytest.raises(ReadTimeout):
        stream.read(100, 3)
    assert connection.elapsed == 3
    assert connection.unplayed == [Delay(2), b"body"]
    assert stream.read(100, 1) == b"body"


def test_each_delay_is_held_against_the_read_that_meets_it(mocks: Mocks) -> None:
    stream, connection = mocks.open(Delay(2), b"one", Delay(2), b"two")
    assert [stream.read(100, 2), stream.read(100, 2)] == [b"one", b"two"]
    assert connection.elapsed == 4


def test_endless_delay_is_longer_than_any_timeout(mocks: Mocks) -> None:
    stream, connection = mocks.open(Delay(math.inf), b"never")
    for _ in range(2):
        with pytest.raises(ReadTimeout):
            stream.read(100, 1000)
    assert connection.elapsed == 2000


@pytest.mark.parametrize("timeout", [None, math.inf])
def test_endless_delay_without_a_timeout_is_an_error(
    mocks: Mocks, timeout: float | None
) -> None:
    stream, connection = mocks.open(Delay(math.inf))
    stream.write(b"request")
    with pytest.raises(UnscriptedError, match=r"Delay\(seconds=inf\) is for ever") as caught:
        stream.read(100, timeout)
    assert "b'request'" in str(caught.value)
    assert connection.elapsed == 0


@pytest.mark.parametrize("kind", [Delay, ConnectDelay, WriteDelay])
@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_delay_into_the_past_is_refused(kind: type[Delay], seconds: float) -> None:
    with pytest.raises(ValueError, match=f"^seconds is {seconds}, but has to be at least 0$"):
        kind(seconds)


def test_unsolicited_bytes_are_readable_before_anybody_asks(mocks: Mocks) -> None:
    stream, connection = mocks.open(Unsolicited(b"early"), b"later")
    assert stream.get_extra_info("is_readable") is True
    assert stream.read(3, 0) == b"ear"
    assert connection.unplayed == [Unsolicited(b"ly"), b"later"]
    assert stream.read(100, 0) == b"ly"
    assert stream.get_extra_info("is_readable") is False
    assert stream.read(100) == b"later"


@pytest.mark.parametrize(
    ("cue", "operation"),
    [
        (WriteFailure(), "write"),
        (HandshakeFailure(), "start_tls"),
        (ConnectDelay(1), "connect"),
    ],
)
def test_read_does_not_pass_a_cue_of_another_operation(
    mocks: Mocks, cue: WriteFailure, operation: str
) -> None:
    stream, _ = mocks.open(b"body", cue, b"more")
    assert stream.read(100) == b"body"
    assert stream.get_extra_info("is_readable") is False
    with pytest.raises(UnscriptedError, match=f"which waits for {operation};"):
        stream.read(100)


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_read_of_less_than_a_byte_is_refused(mocks: Mocks, max_bytes: int) -> None:
    stream, _ = mocks.open(b"body")
    with pytest.raises(ValueError, match=f"^max_bytes is {max_bytes}, but"):
        stream.read(max_bytes)
    assert stream.read(1) == b"b"


def test_answer_can_be_read_behind_a_write_that_failed(mocks: Mocks) -> None:
    stream, connection = mocks.open(WriteFailure(WriteError("no more")), b"413")
    with pytest.raises(WriteError):
        stream.write(b"large body")
    assert stream.read(100) == b"413"
    with pytest.raises(ReadError, match=r"^no more$") as caught:
        stream.read(100)
    assert isinstance(caught.value.__cause__, WriteError)
    assert connection.unplayed == []


def test_nothing_is_there_to_read_behind_a_write_that_timed_out(mocks: Mocks) -> None:
    stream, _ = mocks.open(WriteDelay(3))
    with pytest.raises(WriteTimeout):
        stream.write(b"body", 1)
    with pytest.raises(ReadError):
        stream.read(100, 1)


def test_closed_stream_reads_nothing_and_is_readable(mocks: Mocks) -> None:
    stream, connection = mocks.open(b"body")
    stream.close()
    stream.close()
    assert stream.get_extra_info("is_readable") is True
    with pytest.raises(ReadError, match=r"^the stream was closed on this side$"):
        stream.read(100)
    assert connection.is_closed


def test_message_shows_where_what_and_how_much(mocks: Mocks) -> None:
    stream, _ = mocks.open(b"body")
    stream.write(b"GET ")
    stream.write(b"/")
    stream.read(100)
    with pytest.raises(UnscriptedError) as caught:
        stream.read(100)
    assert str(caught.value) == (
        "connection 1, to example.com:80: a read finds the script at its end; "
        "4 bytes were read, 5 bytes were written: b'GET /'"
    )


def test_message_shows_the_end_of_what_is_long(mocks: Mocks) -> None:
    stream, _ = mocks.open()
    stream.write(b"A" * 1_000)
    stream.write(b"B" * 2_000)
    with pytest.raises(UnscriptedError) as caught:
        stream.read(100)
    assert str(caught.value).endswith(
        f"3000 bytes were written: the last 2000 are {b'B' * 2_000!r}"
    )


def test_message_says_that_nothing_was_written(mocks: Mocks) -> None:
    stream, _ = mocks.open()
    with pytest.raises(UnscriptedError, match=r"0 bytes were read, nothing was written$"):
        stream.read(100)


def test_assertion_is_what_the_error_is() -> None:
    assert UnscriptedError.__bases__ == (AssertionError,)
