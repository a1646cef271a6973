"""The real proxies, spoken to by hand: each does what tests of a pool take for granted."""

import base64
import collections.abc
import contextlib
import dataclasses
import pathlib
import socket
import ssl

import pytest
from peers import squid as squid_server
from peers import tinyproxy as tinyproxy_server
from peers.dante import PASSWORD, USER, Dante
from peers.deadlines import DEADLINE
from peers.messages import reply
from peers.ports import Address, Port
from peers.processes import ServerProcess
from peers.scripted import Conversation, ScriptedPeer
from peers.squid import Squid
from peers.starting import StartPeer
from peers.tinyproxy import Tinyproxy

REQUEST = b"GET /by/hand HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CONTENT = b"from the origin"

Connect = collections.abc.Callable[[Address], socket.socket]


def answer(conn: Conversation) -> None:
    conn.receive_request()
    conn.send(reply(CONTENT))


@pytest.fixture
def origin(start_peer: StartPeer) -> ScriptedPeer:
    return start_peer(answer)


@pytest.fixture
def connect(start_peer: StartPeer) -> collections.abc.Iterator[Connect]:
    """Connects; all is closed before the peers are."""
    with contextlib.ExitStack() as stack:
        yield lambda address: stack.enter_context(socket.create_connection(address, DEADLINE))


def receive(sock: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = sock.recv(count - len(received))
        assert part, f"the end after {received!r}"
        received += part
    return received


def receive_head(sock: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += receive(sock, 1)
    return head


def receive_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65_536), b""))


def status(response: bytes) -> int:
    return int(response.split(b" ")[1])


def assert_reaches(sock: socket.socket, origin: ScriptedPeer) -> None:
    """Makes sure that the origin is at the other end of a tunnel."""
    sock.sendall(REQUEST)
    assert receive_all(sock) == reply(CONTENT)
    (request,) = origin.requests
    assert request.target == b"/by/hand"


# HTTP


@dataclasses.dataclass(frozen=True)
class HTTPProxy:
    """What squid and tinyproxy have in common."""

    plain: Address
    guarded: Address
    pair: str
    """The user and the password, as they are encoded."""
    refusal: int
    """The status that answers a wrong password."""


@pytest.fixture(
    params=[
        pytest.param("squid", marks=pytest.mark.squid),
        pytest.param("tinyproxy", marks=pytest.mark.tinyproxy),
    ]
)
def proxy(request: pytest.FixtureRequest) -> HTTPProxy:
    running: Squid | Tinyproxy = request.getfixturevalue(request.param)
    if isinstance(running, Squid):
        pair, refusal = f"{squid_server.USER}:{squid_server.PASSWORD}", 407
    else:
        pair, refusal = f"{tinyproxy_server.USER}:{tinyproxy_server.PASSWORD}", 401
    return HTTPProxy(running.plain, running.guarded, pair, refusal)


def absolute(url: str, *fields: bytes) -> bytes:
    line = b"GET %b HTTP/1.1" % url.encode()
    return b"\r\n".join([line, b"Host: localhost", b"Connection: close", *fields, b"", b""])


def connect_request(port: int, *fields: bytes, host: bytes = b"localhost") -> bytes:
    authority = b"%b:%d" % (host, port)
    line = b"CONNECT %b HTTP/1.1" % authority
    return b"\r\n".join([line, b"Host: " + authority, *fields, b"", b""])


def authorization(pair: str) -> bytes:
    return b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_forwarded_request(
    proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer, host: str
) -> None:
    sock = connect(proxy.plain)
    sock.sendall(absolute(f"http://{host}:{origin.port}/by/hand"))
    response = receive_all(sock)
    assert status(response) == 200
    assert response.endswith(b"\r\n\r\n" + CONTENT)
    (request,) = origin.requests
    assert request.target == b"/by/hand"
    assert request.header(b"via") is not None


def test_tunnel(proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer) -> None:
    sock = connect(proxy.plain)
    sock.sendall(connect_request(origin.port))
    assert status(receive_head(sock)) == 200
    assert_reaches(sock, origin)


def test_tls_through_a_tunnel(
    proxy: HTTPProxy, connect: Connect, start_peer: StartPeer, ssl_context: ssl.SSLContext
) -> None:
    origin = start_peer(answer, tls=True)
    sock = connect(proxy.plain)
    sock.sendall(connect_request(origin.port))
    assert status(receive_head(sock)) == 200
    with ssl_context.wrap_socket(sock, server_hostname="localhost") as encrypted:
        assert_reaches(encrypted, origin)


def test_tunnel_to_where_nobody_listens(
    proxy: HTTPProxy, connect: Connect, refusing_port: int
) -> None:
    sock = connect(proxy.plain)
    sock.sendall(connect_request(refusing_port))
    assert status(receive_head(sock)) >= 500


def test_request_with_the_password(
    proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer
) -> None:
    sock = connect(proxy.guarded)
    sock.sendall(absolute(origin.url("/by/hand"), authorization(proxy.pair)))
    assert status(receive_all(sock)) == 200
    (request,) = origin.requests
    assert request.header(b"proxy-authorization") is None


def test_tunnel_with_the_password(
    proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer
) -> None:
    sock = connect(proxy.guarded)
    sock.sendall(connect_request(origin.port, authorization(proxy.pair)))
    assert status(receive_head(sock)) == 200
    assert_reaches(sock, origin)


@pytest.mark.parametrize("is_tunnel", [False, True])
def test_request_without_the_password(
    proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer, is_tunnel: bool
) -> None:
    sock = connect(proxy.guarded)
    sock.sendall(connect_request(origin.port) if is_tunnel else absolute(origin.url()))
    head = receive_head(sock)
    assert status(head) == 407
    assert b"\r\nproxy-authenticate: basic realm=" in head.lower()
    assert origin.accepted == 0


@pytest.mark.parametrize("is_tunnel", [False, True])
def test_request_with_a_wrong_password(
    proxy: HTTPProxy, connect: Connect, origin: ScriptedPeer, is_tunnel: bool
) -> None:
    wrong = authorization("somebody:else")
    sock = connect(proxy.guarded)
    sock.sendall(
        connect_request(origin.port, wrong) if is_tunnel else absolute(origin.url(), wrong)
    )
    assert status(receive_head(sock)) == proxy.refusal
    assert origin.accepted == 0


@pytest.mark.squid
def test_proxy_over_tls(
    squid: Squid, connect: Connect, origin: ScriptedPeer, ssl_context: ssl.SSLContext
) -> None:
    sock = connect(squid.tls)
    with ssl_context.wrap_socket(sock, server_hostname=squid.tls.host) as encrypted:
        encrypted.sendall(connect_request(origin.port))
        assert status(receive_head(encrypted)) == 200
        assert_reaches(encrypted, origin)


@pytest.mark.squid
def test_connection_is_kept_to_the_proxy_only(
    squid: Squid, connect: Connect, start_peer: StartPeer
) -> None:
    def answer_all(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(reply(CONTENT))

    origin = start_peer(answer_all)
    sock = connect(squid.plain)
    for _ in range(3):
        sock.sendall(absolute(origin.url()).replace(b"Connection: close\r\n", b""))
        assert status(receive_head(sock)) == 200
        assert receive(sock, len(CONTENT)) == CONTENT
    assert origin.accepted == 3


@pytest.mark.squid
def test_squid_leaves_this_host_to_nobody(squid: Squid, connect: Connect) -> None:
    sock = connect(squid.plain)
    # An address of the documentation's, where there is nothing.
    sock.sendall(connect_request(80, host=b"192.0.2.1"))
    assert status(receive_head(sock)) == 403


# SOCKS


def socks5_target(host: str | bytes, port: int) -> bytes:
    """A request to connect: to an address, or to a name in bytes."""
    if isinstance(host, bytes):
        where = b"\x03%c%b" % (len(host), host)
    elif ":" in host:
        where = b"\x04" + socket.inet_pton(socket.AF_INET6, host)
    else:
        where = b"\x01" + socket.inet_aton(host)
    return b"\x05\x01\x00" + where + port.to_bytes(2, "big")


def socks5_reply(sock: socket.socket) -> int:
    """Reads all of the reply, whose address is one of IPv4 or IPv6; returns its code."""
    version, code, _, kind = receive(sock, 4)
    assert version == 5
    receive(sock, {1: 4, 4: 16}[kind] + 2)
    return code


def greet(sock: socket.socket, *methods: int) -> int:
    """Offers methods of authentication; returns which one was chosen."""
    sock.sendall(bytes([5, len(methods), *methods]))
    version, method = receive(sock, 2)
    assert version == 5
    return method


def log_in(sock: socket.socket, user: str, password: str) -> int:
    parts = b"".join(b"%c%b" % (len(part), part.encode()) for part in (user, password))
    sock.sendall(b"\x01" + parts)
    version, outcome = receive(sock, 2)
    assert version == 1
    return outcome


@pytest.mark.dante
@pytest.mark.parametrize("host", ["127.0.0.1", b"localhost", b"example.com"])
def test_socks5(
    dante: Dante, connect: Connect, origin: ScriptedPeer, host: str | bytes
) -> None:
    sock = connect(dante.plain)
    assert greet(sock, 0) == 0
    sock.sendall(socks5_target(host, origin.port))
    assert socks5_reply(sock) == 0
    assert_reaches(sock, origin)


@pytest.mark.dante
@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_socks5_over_ipv6(dante: Dante, connect: Connect, start_peer: StartPeer) -> None:
    try:
        origin = start_peer(answer, host="::1")
    except OSError:
        pytest.skip("::1 cannot be listened on here")
    sock = connect(dante.plain)
    assert greet(sock, 0) == 0
    sock.sendall(socks5_target("::1", origin.port))
    assert socks5_reply(sock) == 0
    assert_reaches(sock, origin)


@pytest.mark.dante
@pytest.mark.parametrize(("host", "code"), [("192.0.2.1", 2), ("127.0.0.1", 5)])
def test_socks5_refusals(
    dante: Dante, connect: Connect, refusing_port: int, host: str, code: int
) -> None:
    sock = connect(dante.plain)
    assert greet(sock, 0) == 0
    sock.sendall(socks5_target(host, refusing_port))
    assert socks5_reply(sock) == code


@pytest.mark.dante
def test_socks5_with_the_password(dante: Dante, connect: Connect, origin: ScriptedPeer) -> None:
    sock = connect(dante.guarded)
    assert greet(sock, 0, 2) == 2
    assert log_in(sock, USER, PASSWORD) == 0
    sock.sendall(socks5_target("127.0.0.1", origin.port))
    assert socks5_reply(sock) == 0
    assert_reaches(sock, origin)


@pytest.mark.dante
@pytest.mark.parametrize(("user", "password"), [(USER, "else"), ("nobody-here", PASSWORD)])
def test_socks5_with_a_wrong_password(
    dante: Dante, connect: Connect, user: str, password: str
) -> None:
    sock = connect(dante.guarded)
    assert greet(sock, 2) == 2
    assert log_in(sock, user, password) != 0
    assert receive_all(sock) == b""


@pytest.mark.dante
def test_socks5_without_the_password(dante: Dante, connect: Connect) -> None:
    assert greet(connect(dante.guarded), 0) == 0xFF


@pytest.mark.dante
def test_socks4(dante: Dante, connect: Connect, origin: ScriptedPeer) -> None:
    sock = connect(dante.plain)
    sock.sendall(socks4_request(origin.port))
    assert receive(sock, 8)[:2] == b"\x00\x5a"
    assert_reaches(sock, origin)


@pytest.mark.dante
def test_socks4_refusal(dante: Dante, connect: Connect, refusing_port: int) -> None:
    sock = connect(dante.plain)
    sock.sendall(socks4_request(refusing_port))
    assert receive(sock, 8)[:2] == b"\x00\x5b"


def socks4_request(port: int) -> bytes:
    address = socket.inet_aton("127.0.0.1")
    return b"\x04\x01" + port.to_bytes(2, "big") + address + b"somebody\x00"


# Failures


@pytest.fixture
def port(no_socket_is_left: None) -> collections.abc.Iterator[Port]:
    with contextlib.closing(Port()) as port:
        yield port


def test_server_that_ends_at_once_shows_what_it_said(
    tmp_path: pathlib.Path, port: Port
) -> None:
    command = ["/bin/sh", "-c", "echo no such directive; exit 3"]
    with (
        ServerProcess(command, {}, [], tmp_path / "log") as process,
        pytest.raises(AssertionError) as caught,
    ):
        process.wait_served(port)
    assert str(caught.value).startswith("exit code 3, output:\nno such directive")


def test_server_that_never_listens_is_ended(
    tmp_path: pathlib.Path, port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peers.deadlines.DEADLINE", 0.1)
    ours, theirs = socket.socketpair()
    with ours:
        with (
            ServerProcess(["sleep", "600"], {}, [theirs], tmp_path / "log") as process,
            pytest.raises(AssertionError, match=f"port {port.number} is served"),
        ):
            process.wait_served(port)
        ours.settimeout(DEADLINE)
        assert ours.recv(1) == b"", "the other end is closed by the end of the process"
