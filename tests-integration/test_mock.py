"""Pools on mocked backends: the examples of the documentation, and scripts in use.

The mock has no library beneath it, so asyncio and trio stand for every async colour.
"""

import collections.abc
import contextlib
import pathlib
import re
import threading
import typing

import pytest
from colours import Pool
from faces import PoolFace
from loop_threads import LoopThread

import httpcore
from httpcore_mock import (
    AsyncMockBackend,
    ConnectDelay,
    Cue,
    Delay,
    EndOfStream,
    HandshakeDelay,
    HandshakeFailure,
    MockBackend,
    ReadFailure,
    Refused,
    UnscriptedError,
    Unsolicited,
    WriteDelay,
    WriteFailure,
    http1_response,
)

README = pathlib.Path(__file__).parents[1] / "packages" / "mock" / "README.md"
URL = "http://example.com/"
LARGE = 1024 * 1024
CUT_SHORT = http1_response(200, {"Content-Length": "99"}, b"half")

Steps = collections.abc.Sequence[bytes | Cue]
Backend = MockBackend | AsyncMockBackend


class Options(typing.TypedDict, total=False):
    """What a pool may be made with."""

    retries: int
    local_address: str | None
    uds: str | None
    socket_options: collections.abc.Iterable[httpcore.SOCKET_OPTION] | None


class OpenMocked:
    """Makes pools on mocked backends, which are closed when the test ends.

    Args:
        stack: Where they are closed.
        loop: Where async pools run; None for blocking ones.
    """

    def __init__(self, stack: contextlib.ExitStack, loop: LoopThread | None) -> None:
        self._stack = stack
        self._loop = loop

    def __call__(
        self,
        *scripts: Steps,
        buffer: Steps | None = None,
        **options: typing.Unpack[Options],
    ) -> tuple[Pool, Backend]:
        """Makes a pool, whose backend has a script for each connection or one for all."""
        many = None if buffer is not None else scripts
        if self._loop is None:
            blocking = MockBackend(buffer, scripts=many)
            pool = httpcore.ConnectionPool(network_backend=blocking, **options)
            return self._stack.enter_context(pool), blocking
        backend = AsyncMockBackend(buffer, scripts=many)
        inner = httpcore.AsyncConnectionPool(network_backend=backend, **options)
        return self._stack.enter_context(PoolFace(inner, self._loop)), backend


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def open_mocked(
    request: pytest.FixtureRequest, loops: dict[str, LoopThread]
) -> collections.abc.Iterator[OpenMocked]:
    with contextlib.ExitStack() as stack:
        yield OpenMocked(stack, loops.get(request.param))


# -- what the documentation shows --------------------------------------------------------

EXAMPLES = re.findall(r"(?ms)^```python\n(.*?)^```", README.read_text("utf-8"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_readme_runs(example: str) -> None:
    assert len(EXAMPLES) == 5
    exec(example, {})


# -- what is recorded ----------------------------------------------------------------------


def test_request_over_tls_is_recorded(open_mocked: OpenMocked) -> None:
    options: list[httpcore.SOCKET_OPTION] = [(6, 1, 1)]
    pool, backend = open_mocked(
        [http1_response(200, body=b"hi")], local_address="127.0.0.2", socket_options=options
    )
    pool.request(
        "GET",
        "https://example.com:8443/a?b",
        headers=[(b"X", b"y")],
        extensions={
            "timeout": {"connect": 1.0, "read": 2.0, "write": 3.0},
            "sni_hostname": "other.example",
        },
    )
    [connection] = backend.connections
    assert (connection.host, connection.port) == ("example.com", 8443)
    assert (connection.timeout, connection.local_address) == (1.0, "127.0.0.2")
    assert connection.socket_options == ((6, 1, 1),)
    assert connection.server_hostname == "other.example"
    assert connection.alpn_protocols == ("http/1.1",)
    assert connection.written == (
        b"GET /a?b HTTP/1.1\r\nHost: example.com:8443\r\nX: y\r\n\r\n"
    )
    assert connection.read_timeouts == [2.0]
    assert connection.write_timeouts == [3.0]
    assert not connection.is_closed
    assert backend.unplayed == []
    pool.close()
    assert connection.is_closed


def test_request_over_a_unix_socket_is_recorded(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked([http1_response(200)], uds="/run/server")
    pool.request("GET", URL)
    [connection] = backend.connections
    assert (connection.path, connection.host) == ("/run/server", None)
    assert not connection.is_encrypted


def test_tracer_sees_what_the_mock_knows(open_mocked: OpenMocked) -> None:
    seen: dict[str, object] = {}

    def trace(name: str, info: collections.abc.Mapping[str, typing.Any]) -> None:  # type: ignore[explicit-any]
        if name == "connection.connect_tcp.complete":
            seen[name] = info["return_value"].get_extra_info("server_addr")
        elif name == "connection.start_tls.complete":
            ssl_object = info["return_value"].get_extra_info("ssl_object")
            seen[name] = (ssl_object.version(), ssl_object.selected_alpn_protocol())

    pool, _ = open_mocked([http1_response(200)])
    pool.request("GET", "https://example.com/", extensions={"trace": trace})
    assert seen == {
        "connection.connect_tcp.complete": ("example.com", 443),
        "connection.start_tls.complete": ("TLSv1.3", "http/1.1"),
    }


# -- plain lists -----------------------------------------------------------------------------


def test_one_connection_answers_several_requests(open_mocked: OpenMocked) -> None:
    responses = [http1_response(200, body=b"%d" % number) for number in range(3)]
    pool, backend = open_mocked(buffer=responses)
    assert [pool.request("GET", URL).content for _ in range(3)] == [b"0", b"1", b"2"]
    assert len(backend.connections) == 1


def test_every_connection_answers_the_same(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(buffer=[http1_response(200, {"Connection": "close"}, b"again")])
    assert [pool.request("GET", URL).content for _ in range(3)] == [b"again"] * 3
    assert len(backend.connections) == 3
    assert all(connection.is_closed for connection in backend.connections)


def test_body_may_end_with_the_list(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(buffer=[b"HTTP/1.1 200 OK\r\n\r\n", b"Hello, ", b"world!"])
    for count in (1, 2):
        assert pool.request("GET", URL).content == b"Hello, world!"
        assert len(backend.connections) == count


def test_response_may_come_byte_by_byte(open_mocked: OpenMocked) -> None:
    response = http1_response(200, {"Transfer-Encoding": "chunked"}, b"Hello, world!")
    pool, _ = open_mocked(buffer=[response[at : at + 1] for at in range(len(response))])
    assert pool.request("GET", URL).content == b"Hello, world!"


def test_large_body_comes_whole(open_mocked: OpenMocked) -> None:
    body = bytes(number % 251 for number in range(LARGE))
    pool, _ = open_mocked(buffer=[http1_response(200, body=body)])
    assert pool.request("GET", URL).content == body


def test_list_that_is_cut_short_is_a_server_that_breaks_off(open_mocked: OpenMocked) -> None:
    pool, _ = open_mocked(buffer=[CUT_SHORT])
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", URL)


def test_empty_segment_is_a_server_that_says_nothing(open_mocked: OpenMocked) -> None:
    pool, _ = open_mocked(buffer=[b""])
    with pytest.raises(
        httpcore.RemoteProtocolError,
        match=r"^Server disconnected without sending a response\.$",
    ):
        pool.request("GET", URL)


def test_request_too_many_is_an_error_that_shows_it(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(buffer=[http1_response(200)])
    pool.request("GET", URL)
    with pytest.raises(UnscriptedError, match="/too-many") as caught:
        pool.request("GET", f"{URL}too-many")
    assert caught.value.connection is backend.connections[0]
    assert backend.connections[0].is_closed
    assert (len(pool.connections), len(pool._requests)) == (0, 0)


# -- scripts -----------------------------------------------------------------------------------


def test_connection_too_many_is_an_error_that_shows_the_others(
    open_mocked: OpenMocked,
) -> None:
    pool, _ = open_mocked([http1_response(200, {"Connection": "close"})])
    pool.request("GET", f"{URL}first")
    with pytest.raises(UnscriptedError, match=r"scripts for 1 connections; .*GET /first"):
        pool.request("GET", URL)


def test_refused_connect_is_repeated_after_virtual_pauses(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(
        [Refused()], [HandshakeFailure()], [Refused()], [http1_response(200)], retries=3
    )
    assert pool.request("GET", "https://example.com/").status == 200
    assert backend.pauses == [0, 0.5, 1.0]
    assert backend.elapsed == 1.5
    assert [type(each.error) for each in backend.connections] == [
        *(httpcore.ConnectError, type(None)),
        *(httpcore.ConnectError, type(None)),
    ]
    assert [each.is_closed for each in backend.connections] == [True, True, True, False]


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([ConnectDelay(5)], httpcore.ConnectTimeout),
        ([HandshakeDelay(5)], httpcore.ConnectTimeout),
        ([WriteDelay(5)], httpcore.WriteTimeout),
        ([Delay(5)], httpcore.ReadTimeout),
        ([b"HTTP/1.1 200 OK\r\n", Delay(5)], httpcore.ReadTimeout),
        ([CUT_SHORT, Delay(5)], httpcore.ReadTimeout),
    ],
)
def test_delay_is_held_against_the_timeout_of_its_operation(
    open_mocked: OpenMocked, steps: Steps, error: type[Exception]
) -> None:
    pool, backend = open_mocked(steps)
    timeout = {"connect": 3.0, "read": 3.0, "write": 3.0}
    with pytest.raises(error):
        pool.request("GET", "https://example.com/", extensions={"timeout": timeout})
    # A handshake has what the connect left of its timeout, by the clock of the pool.
    assert 2 < backend.elapsed <= 3
    assert backend.connections[0].is_closed


def test_delays_within_the_timeouts_are_no_matter(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(
        [
            *(ConnectDelay(2), HandshakeDelay(2), WriteDelay(2), Delay(2)),
            *(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Delay(2), b"hi"),
        ]
    )
    timeout = {"connect": 4.0, "read": 3.0, "write": 3.0}
    response = pool.request("GET", "https://example.com/", extensions={"timeout": timeout})
    assert response.content == b"hi"
    assert backend.elapsed == 10


def test_reset_in_the_middle_of_a_body_is_a_read_error(open_mocked: OpenMocked) -> None:
    pool, _ = open_mocked([CUT_SHORT, ReadFailure()])
    with (
        pool.stream("GET", URL) as response,
        pytest.raises(httpcore.ReadError, match="connection reset by peer"),
    ):
        response.read()


@pytest.mark.parametrize("cue", [EndOfStream(), ReadFailure(), Unsolicited(b"HTTP/1.1 408")])
def test_server_that_hangs_up_on_an_idle_connection_is_noticed(
    open_mocked: OpenMocked, cue: Cue
) -> None:
    pool, backend = open_mocked([http1_response(200), cue], [http1_response(201)])
    assert pool.request("GET", URL).status == 200
    # Whatever its method: nothing is sent over the dead connection.
    assert pool.request("POST", URL, content=b"body").status == 201
    assert [known.written.count(b"HTTP/1.1") for known in backend.connections] == [1, 1]


@pytest.mark.parametrize("hidden", [[b""], [Delay(0), EndOfStream()]])
def test_server_that_hangs_up_unnoticed_is_asked_once_more(
    open_mocked: OpenMocked, hidden: list[bytes | Cue]
) -> None:
    pool, backend = open_mocked([http1_response(200), *hidden], [http1_response(201)])
    assert pool.request("GET", URL).status == 200
    assert pool.request("GET", URL).status == 201
    assert [known.written.count(b"HTTP/1.1") for known in backend.connections] == [2, 1]


def test_early_response_ends_an_upload(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(
        [Unsolicited(http1_response(413, {"Connection": "close"}, b"too much"))]
    )
    response = pool.request("POST", URL, content=bytes(LARGE))
    assert (response.status, response.content) == (413, b"too much")
    assert len(backend.connections[0].written) < LARGE


def test_response_that_waits_for_the_request_lets_an_upload_end(
    open_mocked: OpenMocked,
) -> None:
    pool, backend = open_mocked([http1_response(413)])
    assert pool.request("POST", URL, content=bytes(LARGE)).status == 413
    assert backend.connections[0].written.endswith(bytes(LARGE))


def test_server_that_stops_listening_may_have_answered(open_mocked: OpenMocked) -> None:
    pool, _ = open_mocked([WriteFailure(), http1_response(413, {"Connection": "close"})])
    assert pool.request("POST", URL, content=bytes(LARGE)).status == 413


def test_server_that_stops_listening_and_says_nothing_is_a_write_error(
    open_mocked: OpenMocked,
) -> None:
    pool, _ = open_mocked([WriteFailure()])
    with pytest.raises(httpcore.WriteError, match="connection reset by peer"):
        pool.request("POST", URL, content=bytes(LARGE))


def test_switched_protocol_goes_on_in_the_script(open_mocked: OpenMocked) -> None:
    pool, backend = open_mocked(
        [b"HTTP/1.1 101 Switching Protocols\r\n\r\nfirst", b"second", EndOfStream()]
    )
    with pool.stream("GET", URL, headers=[(b"Upgrade", b"other")]) as response:
        stream = response.extensions["network_stream"]
        assert stream.read(100) == b"first"
        stream.write(b"mine")
        assert [stream.read(100) for _ in range(2)] == [b"second", b""]
    assert backend.connections[0].writes[-1] == b"mine"


def test_threads_of_a_pool_share_the_scripts() -> None:
    count = 40
    backend = MockBackend(
        scripts=[
            [http1_response(200, {"Connection": "close"}, b"%d" % number)]
            for number in range(count)
        ]
    )
    found: list[bytes] = []
    with httpcore.ConnectionPool(network_backend=backend, max_connections=3) as pool:

        def work() -> None:
            for _ in range(count // 4):
                found.append(pool.request("GET", URL).content)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found, key=int) == [b"%d" % number for number in range(count)]
    assert backend.unplayed == []
