import collections.abc
import contextlib
import itertools
import os
import select
import socket

import pytest

from httpcore_interface import (
    SOCKET_OPTION,
    ConnectError,
    Dial,
    UnixDial,
    begin_connect,
    finish_connect,
    unix_pauses,
)

NAGLE = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
KEEPALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)
NO_SUCH_OPTION = (socket.SOL_SOCKET, 9999, 1)


def count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    getaddrinfo = socket.getaddrinfo

    def look_up(host: str, port: int, *arguments: int) -> object:
        assert arguments[-1] == socket.AI_NUMERICHOST
        return getaddrinfo(host, port, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.usefixtures("no_resolver")
@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)),
        ("::1", socket.AF_INET6, ("::1", 80, 0, 0)),
        ("fe80::1%lo", socket.AF_INET6, ("fe80::1", 80, 0, socket.if_nametoindex("lo"))),
    ],
)
def test_a_literal_is_its_own_address(
    host: str, family: socket.AddressFamily, address: tuple[object, ...]
) -> None:
    [found] = Dial(host, 80).literal_addresses() or []
    assert found[:2] == (family, socket.SOCK_STREAM)
    assert found[4] == address


@pytest.mark.usefixtures("no_resolver")
@pytest.mark.parametrize("host", ["localhost", "127.1", "1", "", "a" * 64, "\udc80", "ä.test"])
def test_what_may_be_a_name_has_to_be_resolved(host: str) -> None:
    assert Dial(host, 80).literal_addresses() is None


@pytest.mark.usefixtures("no_resolver")
@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("local\0host", "the host 'local\\\\x00host' contains a null character"),
        ("::1::", "cannot resolve '::1::'"),
        ("::1%nowhere", "cannot resolve '::1%nowhere'"),
        # Before the resolver sees them, Python judges these by the rules for names.
        ("::1..", "cannot resolve '::1..'"),
        ("::1%" + "x" * 64, "cannot resolve '::1%x*'"),
    ],
)
def test_what_can_be_no_host_is_a_connect_error(host: str, reason: str) -> None:
    with pytest.raises(ConnectError, match=reason):
        Dial(host, 80).literal_addresses()


@pytest.mark.parametrize("port", [-1, 65536, 2**40])
def test_what_is_no_port_is_a_connect_error(port: int) -> None:
    with pytest.raises(ConnectError, match=f"the port {port} is not between 0 and 65535"):
        Dial("127.0.0.1", port).literal_addresses()
    for edge in (0, 65535):
        assert Dial("127.0.0.1", edge).literal_addresses()


@pytest.mark.parametrize("local", ["localhost", "", "\0", "::1\0", "::\ud800", "a" * 64])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_local_name_is_not_resolved(host: str, local: str) -> None:
    dial = Dial(host, 80, local_address=local)
    with pytest.raises(ConnectError, match=r"the local address .* is no IP address"):
        dial.literal_addresses()


def test_a_socket_is_made_as_it_was_asked_for() -> None:
    options: list[SOCKET_OPTION] = [(*KEEPALIVE, 1)]
    dial = Dial("127.0.0.1", 80, local_address="127.0.0.2", socket_options=options)
    [address] = dial.literal_addresses() or []
    with dial.open_socket(address) as sock:
        assert sock.gettimeout() == 0
        assert sock.getsockname()[0] == "127.0.0.2"
        assert sock.getsockopt(*NAGLE)
        assert sock.getsockopt(*KEEPALIVE)


def test_the_options_of_the_caller_have_the_last_word() -> None:
    dial = Dial("127.0.0.1", 80, socket_options=[(*NAGLE, 0)])
    [address] = dial.literal_addresses() or []
    with dial.open_socket(address) as sock:
        assert not sock.getsockopt(*NAGLE)


@pytest.mark.parametrize(
    "dial",
    [
        Dial("127.0.0.1", 80, socket_options=[NO_SUCH_OPTION]),
        Dial("127.0.0.1", 80, local_address="::1"),
        Dial("127.0.0.1", 80, local_address="192.0.2.77"),
    ],
    ids=["option", "family", "address"],
)
def test_a_socket_that_cannot_be_made_is_closed(dial: Dial) -> None:
    [address] = dial.literal_addresses() or []
    count = count_descriptors()
    with pytest.raises(OSError):  # noqa: PT011 - the words are the system's
        dial.open_socket(address)
    assert count_descriptors() == count


REFUSED = ConnectionRefusedError(111, "Connection refused")


def test_the_words_say_what_was_tried() -> None:
    dial = Dial("name.test", 80, timeout=0.5)
    assert str(dial.not_resolved("it has no address")) == (
        "cannot resolve 'name.test': it has no address"
    )
    assert str(dial.failure([("::1", REFUSED)])) == "[Errno 111] Connection refused"
    assert str(dial.failure([("::1", REFUSED), ("127.0.0.1", OSError("gone"))])) == (
        "all 2 attempts to connect to name.test:80 failed"
        " (::1: [Errno 111] Connection refused; 127.0.0.1: gone)"
    )
    assert str(dial.timed_out(0)) == (
        "the name 'name.test' was not resolved within 0.5 seconds (no address tried)"
    )
    assert str(dial.timed_out(1)) == (
        "no connection to name.test:80 within 0.5 seconds (1 address tried)"
    )
    assert str(dial.timed_out(2, [("::1", REFUSED)])) == (
        "no connection to name.test:80 within 0.5 seconds"
        " (2 addresses tried; ::1: [Errno 111] Connection refused)"
    )


def test_a_unix_socket_is_made_as_it_was_asked_for() -> None:
    dial = UnixDial("/tmp/x", socket_options=[(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)])
    with dial.open_socket() as sock:
        assert sock.family == socket.AF_UNIX
        assert sock.gettimeout() == 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED)
    with UnixDial("\0abstract").open_socket():
        pass


@pytest.mark.parametrize(
    ("dial", "reason"),
    [
        (UnixDial("/tmp/x", socket_options=[NO_SUCH_OPTION]), "Protocol not available"),
        (UnixDial("/tmp/x\0"), "it contains a null character"),
        (UnixDial(""), "it is empty"),
    ],
    ids=["option", "null", "empty"],
)
def test_a_unix_socket_that_cannot_be_made_is_a_connect_error(
    dial: UnixDial, reason: str
) -> None:
    count = count_descriptors()
    with pytest.raises(ConnectError, match=reason):
        dial.open_socket()
    assert count_descriptors() == count


def test_what_is_no_option_is_a_type_error() -> None:
    count = count_descriptors()
    # Not what the annotation asks for, which is the point.
    dial = UnixDial("/tmp/x", socket_options=[(1, 2)])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        dial.open_socket()
    assert count_descriptors() == count


def test_without_descriptors_a_unix_socket_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(family: int, kind: int) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConnectError, match=r"cannot connect to '/tmp/x'.*Too many open files"):
        UnixDial("/tmp/x").open_socket()


def test_a_platform_without_unix_sockets_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConnectError, match="this platform has no Unix sockets"):
        UnixDial("/tmp/x").open_socket()


def test_the_words_of_a_unix_timeout_name_the_path() -> None:
    assert str(UnixDial("/tmp/x", 0.5).timed_out()) == (
        "no connection to '/tmp/x' within 0.5 seconds"
    )


@pytest.fixture
def sock() -> collections.abc.Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.setblocking(False)
        yield sock


def test_over_the_loopback_a_connect_is_over_at_once(sock: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert begin_connect(sock, listener.getsockname()) is True
        assert sock.getpeername() == listener.getsockname()


def test_a_connect_that_fails_at_once_says_so(sock: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionRefusedError):
        begin_connect(sock, address)


def test_a_connect_may_take_its_time(sock: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        while True:
            other = stack.enter_context(socket.socket())
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                other.connect(server.getsockname())
            if not select.select([], [other], [], 0.05)[1]:
                break
        assert begin_connect(sock, server.getsockname()) is False


def test_a_connect_that_has_failed_meanwhile_is_noticed() -> None:
    class Refused(socket.socket):
        def getsockopt(self, level: int, option: int) -> int:  # type: ignore[override]
            assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
            return 111

        def connect(self, address: object, /) -> None:
            raise BlockingIOError

    # Not connected: poll(2) says that it is ready.
    with Refused() as sock, pytest.raises(ConnectionRefusedError):
        begin_connect(sock, ("127.0.0.1", 9))


def test_a_socket_that_never_came_to_connect_has_failed(sock: socket.socket) -> None:
    with pytest.raises(OSError, match="not connected"):
        finish_connect(sock)


def test_pauses_before_a_full_unix_server_grow_and_stay_short() -> None:
    pauses = [*itertools.islice(unix_pauses(), 8)]
    assert pauses == [0.001, 0.002, 0.004, 0.008, 0.016, 0.02, 0.02, 0.02]
