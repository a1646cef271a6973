"""Trace events and log messages: their names, their values, and no secrets in them."""

import collections.abc
import logging
import pathlib
import ssl
import typing

import pytest
from colours import OpenPool
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

# What comes with an event depends on the event.
Values = dict[str, typing.Any]  # type: ignore[explicit-any]
EXCHANGE = [
    "http11.send_request_headers.started",
    "http11.send_request_headers.complete",
    "http11.send_request_body.started",
    "http11.send_request_body.complete",
    "http11.receive_response_headers.started",
    "http11.receive_response_headers.complete",
    "http11.receive_response_body.started",
    "http11.receive_response_body.complete",
    "http11.response_closed.started",
    "http11.response_closed.complete",
]
CONNECT = ["connection.connect_tcp.started", "connection.connect_tcp.complete"]
START_TLS = ["connection.start_tls.started", "connection.start_tls.complete"]


class Trace:
    """Collects events."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.values: dict[str, Values] = {}

    def __call__(self, name: str, values: Values) -> None:
        self.names.append(name)
        self.values[name] = dict(values)


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok", 200, b"Set-Cookie: session=s3cr3t-a", b"X-Plain: visible"))


def test_events_of_a_request(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    for expected in (CONNECT + EXCHANGE, EXCHANGE):
        trace = Trace()
        pool.request("GET", peer.url(), extensions={"trace": trace})
        assert trace.names == expected


def test_events_over_tls(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(answers, tls=True)
    trace = Trace()
    pool = open_pool(ssl_context=ssl_context)
    url = f"https://localhost:{peer.port}/"
    pool.request("GET", url, extensions={"trace": trace, "timeout": {"connect": 7.0}})
    assert trace.names == CONNECT + START_TLS + EXCHANGE
    started = trace.values["connection.start_tls.started"]
    assert started.keys() == {"ssl_context", "server_hostname", "timeout"}
    assert started["ssl_context"] is ssl_context
    assert started["server_hostname"] == "localhost"
    assert 0 < started["timeout"] <= 7.0
    stream = trace.values["connection.start_tls.complete"]["return_value"]
    assert isinstance(stream, httpcore.NetworkStream)


def test_values_of_events(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    trace = Trace()
    request = httpcore.Request(
        "GET",
        peer.url(),
        headers=[(b"Host", b"localhost")],
        extensions={"trace": trace, "timeout": {"connect": 7.0}},
    )
    response = open_pool().handle_request(request)
    response.read()
    response.close()
    assert trace.values["connection.connect_tcp.started"] == {
        "host": "127.0.0.1",
        "port": peer.port,
        "local_address": None,
        "timeout": 7.0,
        "socket_options": None,
    }
    stream = trace.values["connection.connect_tcp.complete"]["return_value"]
    assert isinstance(stream, httpcore.NetworkStream)
    for name in ("send_request_headers", "send_request_body", "receive_response_headers"):
        assert trace.values[f"http11.{name}.started"] == {"request": request}
    # Tools unpack these four.
    head = trace.values["http11.receive_response_headers.complete"]["return_value"]
    version, status, reason, headers = head
    assert (version, status, reason) == (b"HTTP/1.1", 200, b"Whatever")
    assert headers == response.headers
    assert trace.values["http11.response_closed.started"] == {}


def test_addresses_are_known_when_connecting_is_complete(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    addresses: list[object] = []

    def trace(name: str, values: Values) -> None:
        if name == "connection.connect_tcp.complete":
            addresses.append(values["return_value"].get_extra_info("server_addr"))

    open_pool().request("GET", peer.url(), extensions={"trace": trace})
    assert addresses == [("127.0.0.1", peer.port)]


def test_events_on_a_unix_socket(
    start_peer: StartPeer, open_pool: OpenPool, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "peer.sock"
    start_peer(answers, path=path)
    trace = Trace()
    open_pool(uds=str(path)).request("GET", "http://localhost/", extensions={"trace": trace})
    assert trace.names[:2] == [
        "connection.connect_unix_socket.started",
        "connection.connect_unix_socket.complete",
    ]


def test_failure_is_an_event_with_its_exception(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def keeps_silent(conn: Conversation) -> None:
        conn.wait_eof()

    peer = start_peer(keeps_silent)
    trace = Trace()
    with pytest.raises(httpcore.ReadTimeout) as caught:
        open_pool().request(
            "GET", peer.url(), extensions={"trace": trace, "timeout": {"read": 0.05}}
        )
    failed = trace.values["http11.receive_response_headers.failed"]
    assert failed == {"exception": caught.value}


def test_repeated_attempts_are_events(open_pool: OpenPool, refusing_port: int) -> None:
    trace = Trace()
    with pytest.raises(httpcore.ConnectError):
        open_pool(retries=1).request(
            "GET", f"http://127.0.0.1:{refusing_port}/", extensions={"trace": trace}
        )
    assert trace.names == [
        "connection.connect_tcp.started",
        "connection.connect_tcp.failed",
        "connection.retry.started",
        "connection.retry.complete",
        "connection.connect_tcp.started",
        "connection.connect_tcp.failed",
    ]


@pytest.mark.colours("blocking", reason="the reverse is refused by the pool's own tests")
def test_callback_of_async_code_is_refused(start_peer: StartPeer, open_pool: OpenPool) -> None:
    async def trace(_name: str, _values: Values) -> None:
        raise AssertionError("nobody awaits it")

    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises(TypeError):
        pool.request("GET", peer.url(), extensions={"trace": trace})
    assert len(pool._requests) == 0
    assert pool.request("GET", peer.url()).content == b"ok"


@pytest.mark.parametrize("event", [*CONNECT, *EXCHANGE])
def test_callback_that_raises_costs_the_request_but_not_the_pool(
    start_peer: StartPeer, open_pool: OpenPool, event: str
) -> None:
    def trace(name: str, _values: Values) -> None:
        if name == event:
            raise ZeroDivisionError

    peer = start_peer(answers)
    pool = open_pool(max_connections=1)
    with pytest.raises(ZeroDivisionError):
        pool.request("GET", peer.url(), extensions={"trace": trace})
    assert len(pool._requests) == 0
    assert pool.request("GET", peer.url()).content == b"ok"


@pytest.fixture
def debug_log(
    caplog: pytest.LogCaptureFixture,
) -> collections.abc.Iterator[typing.Callable[[], str]]:
    with caplog.at_level(logging.DEBUG, "httpcore"):
        yield lambda: "\n".join(
            f"{record.name}: {record.getMessage()}" for record in caplog.records
        )


DebugLog = typing.Callable[[], str]


def test_events_are_logged(
    start_peer: StartPeer, open_pool: OpenPool, debug_log: DebugLog
) -> None:
    peer = start_peer(answers)
    with open_pool() as pool:
        pool.request("GET", peer.url())
    lines = debug_log()
    for expected in (
        "httpcore.connection: connect_tcp.started host='127.0.0.1'",
        "httpcore.connection: connect_tcp.complete return_value=<",
        "httpcore.http11: send_request_headers.started request=<Request [b'GET']>",
        "httpcore.http11: receive_response_headers.complete return_value=(b'HTTP/1.1', 200,",
        "httpcore.http11: response_closed.complete",
        "httpcore.connection: close.started",
    ):
        assert expected in lines


def test_secrets_are_not_logged(
    start_peer: StartPeer, open_pool: OpenPool, debug_log: DebugLog
) -> None:
    peer = start_peer(answers)
    secrets = [
        (b"Cookie", b"session=s3cr3t-b"),
        (b"Authorization", b"Bearer s3cr3t-c"),
        (b"Proxy-Authorization", b"Basic s3cr3t-d"),
    ]
    response = open_pool().request("GET", peer.url(), headers=secrets)
    assert (b"Set-Cookie", b"session=s3cr3t-a") in response.headers
    assert "s3cr3t" not in debug_log()
    assert "visible" in debug_log()


def test_secrets_of_failed_requests_are_not_logged(
    start_peer: StartPeer, open_pool: OpenPool, debug_log: DebugLog
) -> None:
    def breaks_off(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=s3cr3t-a\r\nbroken\r\n\r\n")

    peer = start_peer(breaks_off)
    with pytest.raises(httpcore.RemoteProtocolError):
        open_pool().request("GET", peer.url(), headers=[(b"Cookie", b"a=s3cr3t-b")])
    assert "s3cr3t" not in debug_log()
