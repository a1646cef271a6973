"""Scripts that say how connecting goes, and the record of it."""

import collections.abc
import math
import threading

import pytest
from mock_faces import Mocks

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, ReadError
from httpcore_mock import (
    AsyncMockBackend,
    AsyncMockStream,
    ConnectDelay,
    ConnectFailure,
    Delay,
    MockBackend,
    MockConnection,
    MockStream,
    ReadFailure,
    Refused,
    UnscriptedError,
    WriteFailure,
)

OPTIONS: list[SOCKET_OPTION] = [(6, 1, 1), (1, 9, b"x")]


def test_each_connection_plays_its_own_script(mocks: Mocks) -> None:
    backend = mocks.backend(scripts=[[b"first"], [b"second"]])
    streams = [backend.connect_tcp("a", 1), backend.connect_unix_socket("/b")]
    assert [stream.read(100) for stream in reversed(streams)] == [b"second", b"first"]


def test_connection_without_a_script_is_an_error_that_shows_the_others(mocks: Mocks) -> None:
    backend = mocks.backend(scripts=[[], [Refused()]])
    backend.connect_tcp("a", 1).write(b"request")
    with pytest.raises(ConnectError):
        backend.connect_tcp("b", 2)
    with pytest.raises(UnscriptedError) as caught:
        backend.connect_unix_socket("/c")
    assert str(caught.value) == (
        "connection 3, to /c: there are scripts for 2 connections; "
        "connection 1, to a:1: 7 bytes were written: b'request'; "
        "connection 2, to b:2: nothing was written"
    )
    assert caught.value.connection is backend.connections[2]
    assert backend.connections[2].error is caught.value
    assert backend.connections[2].is_closed
    assert backend.connections[2].unplayed == []


def test_no_scripts_at_all_is_a_backend_that_nobody_may_use(mocks: Mocks) -> None:
    backend = mocks.backend(scripts=[])
    with pytest.raises(UnscriptedError, match=r"there are scripts for 0 connections$"):
        backend.connect_tcp("a", 1)


def test_connect_over_tcp_is_recorded(mocks: Mocks) -> None:
    backend = mocks.backend([b"hello"])
    backend.connect_tcp("a", 1)
    stream = backend.connect_tcp("example.com", 443, 5.0, "127.0.0.2", iter(OPTIONS))
    plain, full = backend.connections
    assert (plain.number, plain.host, plain.port, plain.path) == (1, "a", 1, None)
    assert (plain.timeout, plain.local_address, plain.socket_options) == (None, None, None)
    assert (full.number, full.host, full.port, full.path) == (2, "example.com", 443, None)
    assert (full.timeout, full.local_address) == (5.0, "127.0.0.2")
    assert full.socket_options == tuple(OPTIONS)
    assert (full.error, full.is_closed, full.is_encrypted) == (None, False, False)
    assert stream.get_extra_info("server_addr") == ("example.com", 443)
    assert repr(full) == "<MockConnection: connection 2, to example.com:443>"


def test_connect_to_a_unix_socket_is_recorded(mocks: Mocks) -> None:
    backend = mocks.backend([b"hello"])
    backend.connect_unix_socket("/run/a")
    stream = backend.connect_unix_socket("/run/b", 5.0, iter(OPTIONS))
    plain, full = backend.connections
    assert (plain.timeout, plain.socket_options) == (None, None)
    assert (full.number, full.path, full.host, full.port) == (2, "/run/b", None, None)
    assert (full.timeout, full.socket_options) == (5.0, tuple(OPTIONS))
    assert stream.get_extra_info("server_addr") == "/run/b"
    assert repr(full) == "<MockConnection: connection 2, to /run/b>"


def test_stream_without_a_backend_has_a_record_too() -> None:
    for stream in (MockStream([b"a"]), AsyncMockStream([b"a"])):
        assert isinstance(stream.connection, MockConnection)
        assert repr(stream.connection) == "<MockConnection: connection 1>"
        assert stream.get_extra_info("server_addr") is None
        assert stream.connection.unplayed == [b"a"]


def test_stream_of_a_backend_knows_its_record() -> None:
    backend = MockBackend([b"a"])
    stream = backend.connect_tcp("a", 1)
    assert isinstance(stream, MockStream)
    assert stream.connection is backend.connections[0]


def test_what_is_unknown_is_none(mocks: Mocks) -> None:
    stream, _ = mocks.open()
    for name in ("socket", "client_addr", "ssl_object", "unheard_of"):
        assert stream.get_extra_info(name) is None


@pytest.mark.parametrize("error", [ConnectError("no route"), ConnectTimeout("slow")])
def test_connect_fails_on_cue(mocks: Mocks, error: ConnectError | ConnectTimeout) -> None:
    backend = mocks.backend([ConnectFailure(error), b"never"])
    for is_unix in (False, True):
        with pytest.raises(type(error), match=f"^{error}$") as caught:
            backend.connect_unix_socket("/a") if is_unix else backend.connect_tcp("a", 1)
        connection = backend.connections[-1]
        assert connection.error is caught.value
        assert connection.is_closed
        assert connection.unplayed == [b"never"]
    assert len(backend.connections) == 2


def test_connect_is_refused_on_cue(mocks: Mocks) -> None:
    backend = mocks.backend(scripts=[[Refused()], [b"hello"]])
    with pytest.raises(ConnectError, match=r"^connection refused$"):
        backend.connect_tcp("a", 1)
    assert backend.connect_tcp("a", 1).read(100) == b"hello"
    assert repr(Refused()) == "Refused()"


@pytest.mark.parametrize("timeout", [None, 3, 4])
def test_connect_takes_virtual_time(mocks: Mocks, timeout: float | None) -> None:
    backend = mocks.backend([ConnectDelay(3), b"hello"])
    assert backend.connect_tcp("a", 1, timeout).read(100) == b"hello"
    assert backend.elapsed == 3


@pytest.mark.parametrize("timeout", [2, 0])
def test_connect_times_out_in_virtual_time(mocks: Mocks, timeout: float) -> None:
    backend = mocks.backend([ConnectDelay(3)])
    with pytest.raises(ConnectTimeout, match=f"^no connection within {timeout} seconds$"):
        backend.connect_unix_socket("/a", timeout)
    assert backend.elapsed == timeout
    assert isinstance(backend.connections[0].error, ConnectTimeout)
    assert backend.connections[0].is_closed


def test_connect_that_never_ends_is_an_error(mocks: Mocks) -> None:
    backend = mocks.backend([ConnectDelay(math.inf)])
    with pytest.raises(UnscriptedError, match="is for ever") as caught:
        backend.connect_tcp("a", 1)
    assert backend.connections[0].error is caught.value


def test_connect_may_be_refused_after_a_while(mocks: Mocks) -> None:
    backend = mocks.backend([ConnectDelay(3), Refused()])
    with pytest.raises(ConnectError):
        backend.connect_tcp("a", 1)
    assert backend.elapsed == 3


def test_elapsed_time_is_that_of_all_connections_and_pauses(mocks: Mocks) -> None:
    backend = mocks.backend([Delay(2), b"a", Delay(1), b"b"])
    streams = [backend.connect_tcp("a", 1) for _ in range(2)]
    for stream in streams:
        stream.read(100)
    streams[0].read(100)
    backend.sleep(0.5)
    backend.sleep(-1)
    assert [connection.elapsed for connection in backend.connections] == [3, 2]
    assert backend.pauses == [0.5, -1]
    assert backend.elapsed == 5.5


def test_what_was_not_played_is_known(mocks: Mocks) -> None:
    backend = mocks.backend(scripts=[[b"one", b"two"], [b"three"], [b"four"]])
    assert backend.unplayed == [b"one", b"two", b"three", b"four"]
    stream = backend.connect_tcp("a", 1)
    assert stream.read(1) == b"o"
    assert backend.unplayed == [b"ne", b"two", b"three", b"four"]
    stream.read(100)
    backend.connect_tcp("a", 1).read(100)
    assert backend.unplayed == [b"two", b"four"]


def test_what_was_read_is_counted(mocks: Mocks) -> None:
    stream, connection = mocks.open(b"hello", b"you")
    stream.read(3, 7.0)
    stream.read(100)
    stream.read(100)
    assert connection.bytes_read == 8
    assert connection.read_timeouts == [7.0, None, None]


# -- what is no script ------------------------------------------------------------------


def test_backend_needs_one_script_or_many(mocks: Mocks) -> None:
    for buffer, scripts in ((None, None), ([b"a"], [[b"b"]])):
        with pytest.raises(TypeError, match=r"^a mock backend needs either a buffer, or"):
            mocks.backend(buffer, scripts=scripts)


@pytest.mark.parametrize("wrong", [b"HTTP/1.1 200 OK", "text", 3, iter([b"a"])])
def test_script_has_to_be_a_list(mocks: Mocks, wrong: list[bytes]) -> None:
    for make in (
        lambda: mocks.backend(wrong),
        lambda: mocks.backend(scripts=[wrong]),
        lambda: mocks.stream(wrong),
    ):
        with pytest.raises(TypeError, match=r"^a script is a list of bytes and cues, but got"):
            make()


@pytest.mark.parametrize("wrong", ["text", 200, ReadError("bare"), Delay])
def test_script_has_to_be_made_of_bytes_and_cues(mocks: Mocks, wrong: bytes) -> None:
    for make in (
        lambda: mocks.backend([b"a", wrong]),
        lambda: mocks.backend(scripts=[[b"a"], [wrong]]),
        lambda: mocks.stream([wrong]),
    ):
        with pytest.raises(TypeError, match=r"^a script is made of bytes and cues, but got"):
            make()


def test_what_is_added_to_a_script_is_checked_as_well(mocks: Mocks) -> None:
    segments: list[bytes] = []
    stream = mocks.stream(segments)
    segments.append("text")  # type: ignore[arg-type] # that is the point
    with pytest.raises(TypeError, match="'text'"):
        stream.read(100)


Fail = collections.abc.Callable[[str], object]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (ConnectFailure, "ConnectError or a ConnectTimeout"),
        (ReadFailure, "ReadError or a ReadTimeout"),
        (WriteFailure, "WriteError or a WriteTimeout"),
    ],
)
def test_failure_needs_an_error_of_its_operation(kind: Fail, names: str) -> None:
    with pytest.raises(TypeError, match=f"^{kind.__name__} needs a {names}, but got 'reset'$"):
        kind("reset")


# -- several threads --------------------------------------------------------------------


def test_threads_share_the_scripts_of_a_backend() -> None:
    count = 200
    backend = MockBackend(scripts=[[b"%d" % number] for number in range(count)])
    found: list[bytes] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(count // 4):
            stream = backend.connect_tcp("a", 1)
            stream.write(b"request")
            found.append(stream.read(100))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=int) == [b"%d" % number for number in range(count)]
    assert [known.number for known in backend.connections] == list(range(1, count + 1))
    assert backend.unplayed == []


def test_backends_make_events_of_their_colour() -> None:
    event = MockBackend([]).create_event()
    event.set()
    assert event.wait(0) is True
    with pytest.raises(RuntimeError, match="no event loop is running"):
        AsyncMockBackend([]).create_event()
