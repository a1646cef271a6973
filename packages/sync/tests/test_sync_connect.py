import collections.abc
import concurrent.futures
import contextlib
import os
import socket
import ssl
import threading
import time

import pytest

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, ReadTimeout
from httpcore_sync import SyncBackend
from httpcore_sync._backend import _under_way
from httpcore_sync._wait import wait_any_connected

Descriptors = collections.abc.Callable[[], int]

NAGLE = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
NO_SUCH_OPTION = (socket.SOL_SOCKET, 9999, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("timeout", [None, float("inf"), 1e300, 5])
def test_connect_reaches_the_server(host: str, timeout: float | None) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        _, port, *_ = listener.getsockname()
        stream = SyncBackend().connect_tcp(host, port, timeout=timeout)
        peer, address = listener.accept()
        with peer:
            assert address == stream.get_extra_info("client_addr")
            stream.write(b"ping", timeout=5)
            assert peer.recv(100) == b"ping"
            peer.sendall(b"pong")
            assert stream.read(100, timeout=5) == b"pong"
        stream.close()


def test_small_writes_are_not_held_back(address: tuple[str, int]) -> None:
    stream = SyncBackend().connect_tcp(*address, timeout=5)
    assert stream.get_extra_info("socket").getsockopt(*NAGLE)
    stream.close()


def test_a_timeout_of_connect_is_none_of_read(
    listener: socket.socket, address: tuple[str, int]
) -> None:
    stream = SyncBackend().connect_tcp(*address, timeout=0.05)
    peer, _ = listener.accept()
    with peer, pytest.raises(ReadTimeout):
        stream.read(100, timeout=0.1)
    assert stream.read(100, timeout=None) == b""
    stream.close()


@pytest.mark.parametrize("timeout", [None, 5, 0])
def test_a_refused_connection_is_a_connect_error(
    refused: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        SyncBackend().connect_tcp(*refused, timeout=timeout)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert descriptors() == count


def test_connect_times_out_after_its_timeout(
    blackhole: tuple[str, int], descriptors: Descriptors
) -> None:
    host, port = blackhole
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        SyncBackend().connect_tcp(host, port, timeout=0.1)
    assert 0.1 <= time.monotonic() - before < 1
    assert (
        str(caught.value)
        == f"no connection to 127.0.0.1:{port} within 0.1 seconds (1 address tried)"
    )
    assert descriptors() == count


def interrupt_once_it_connects(thread: threading.Thread) -> None:
    """Interrupts a thread's connect, which may be about to begin."""
    assert thread.ident is not None
    deadline = time.monotonic() + 5
    while not SyncBackend().interrupt_connect(thread.ident):
        assert thread.is_alive()
        assert time.monotonic() < deadline


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_interrupting_a_connect_ends_it_at_once(
    blackhole: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    errors: list[Exception] = []

    def connect() -> None:
        try:
            SyncBackend().connect_tcp(*blackhole, timeout=timeout)
        except ConnectError as exc:
            errors.append(exc)

    thread = threading.Thread(target=connect)
    thread.start()
    interrupt_once_it_connects(thread)
    thread.join(5)
    assert not thread.is_alive()
    assert [str(error) for error in errors] == ["the connect was interrupted"]
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_interrupting_wakes_a_connect_that_is_blocked(
    blackhole: tuple[str, int],
    threads: concurrent.futures.ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Descriptors,
    timeout: float | None,
) -> None:
    idents: list[int] = []
    is_about_to_wait = threading.Event()

    def announce(socks: list[socket.socket], timeout: float | None) -> list[socket.socket]:
        idents.append(threading.get_ident())
        is_about_to_wait.set()
        return wait_any_connected(socks, timeout)

    monkeypatch.setattr("httpcore_sync._connect.wait_any_connected", announce)
    count = descriptors()
    connecting = threads.submit(SyncBackend().connect_tcp, *blackhole, timeout=timeout)
    assert is_about_to_wait.wait(5)
    assert SyncBackend().interrupt_connect(idents[0])
    with pytest.raises(ConnectError, match="interrupted"):
        connecting.result(5)
    assert descriptors() == count


def test_a_connect_that_succeeds_while_it_is_interrupted_is_interrupted(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors
) -> None:
    class Interrupted(socket.socket):
        def connect(self, to: tuple[str, int], /) -> None:  # type: ignore[override]
            self.settimeout(5)
            super().connect(to)
            # By another thread, just after it came to wait.
            deadline = _under_way[threading.get_ident()]
            deadline.alarm = None
            deadline.cut()

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Interrupted)
    with pytest.raises(ConnectError, match="interrupted"):
        SyncBackend().connect_tcp(*address, timeout=5)
    assert descriptors() == count


def test_interrupting_a_resolver_that_hangs_ends_the_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_answer = threading.Event()

    def hangs(*args: object) -> list[tuple[object, ...]]:
        may_answer.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    errors: list[Exception] = []

    def connect() -> None:
        try:
            SyncBackend().connect_tcp("name.test", 80, timeout=30)
        except ConnectError as exc:
            errors.append(exc)

    thread = threading.Thread(target=connect)
    thread.start()
    interrupt_once_it_connects(thread)
    thread.join(5)
    assert not thread.is_alive()
    assert len(errors) == 1
    may_answer.set()


def test_interrupting_a_pause_ends_it_at_once() -> None:
    thread = threading.Thread(target=SyncBackend().sleep, args=(30,))
    thread.start()
    interrupt_once_it_connects(thread)
    thread.join(5)
    assert not thread.is_alive()


def test_nothing_to_interrupt_is_said() -> None:
    assert not SyncBackend().interrupt_connect(threading.get_ident())


@pytest.mark.parametrize("timeout", [0, -1, -float("inf")])
def test_without_time_connect_does_what_is_possible_at_once(
    blackhole: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
    timeout: float,
) -> None:
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=f"within {timeout} seconds"):
        SyncBackend().connect_tcp(*blackhole, timeout=timeout)
    assert time.monotonic() - before < 5
    assert descriptors() == count
    # Over the loopback a connect needs no time.
    SyncBackend().connect_tcp(*address, timeout=timeout).close()


def test_a_timeout_of_the_system_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors
) -> None:
    class Unanswered(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            raise TimeoutError(110, "Connection timed out")

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Unanswered)
    with pytest.raises(ConnectError, match="Connection timed out"):
        SyncBackend().connect_tcp("127.0.0.1", 80, timeout=5)
    assert descriptors() == count


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_connect_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors, error: type[BaseException]
) -> None:
    class Interrupted(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            raise error

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Interrupted)
    with pytest.raises(error):
        SyncBackend().connect_tcp("127.0.0.1", 80, timeout=5)
    assert descriptors() == count


def test_without_descriptors_connect_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(family: int, kind: int, protocol: int) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConnectError, match="Too many open files"):
        SyncBackend().connect_tcp("127.0.0.1", 80, timeout=5)


def test_options_are_set_before_connecting(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    calls: list[str] = []

    class Noting(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            assert self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert self.getsockopt(*NAGLE)
            calls.append("connect")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Noting)
    options: list[SOCKET_OPTION] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.SOL_SOCKET, socket.SO_LINGER, bytes(8)),
    ]
    for given in (options, iter(options)):
        SyncBackend().connect_tcp(*address, timeout=5, socket_options=given).close()
    assert calls == ["connect", "connect"]


def test_options_of_the_caller_have_the_last_word(address: tuple[str, int]) -> None:
    stream = SyncBackend().connect_tcp(*address, timeout=5, socket_options=[(*NAGLE, 0)])
    assert not stream.get_extra_info("socket").getsockopt(*NAGLE)
    stream.close()


@pytest.mark.parametrize("timeout", [None, 5, 0])
def test_an_option_that_cannot_be_set_is_a_connect_error(
    address: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match="Protocol not available"):
        SyncBackend().connect_tcp(*address, timeout=timeout, socket_options=[NO_SUCH_OPTION])
    assert descriptors() == count


def test_what_is_no_option_is_a_type_error(
    address: tuple[str, int], descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(TypeError):
        SyncBackend().connect_tcp(
            *address,
            # Not what the annotation asks for, which is the point.
            socket_options=[(1, 2)],  # type: ignore[list-item]
        )
    assert descriptors() == count


def test_connect_comes_from_the_local_address(
    listener: socket.socket, address: tuple[str, int]
) -> None:
    stream = SyncBackend().connect_tcp(*address, timeout=5, local_address="127.0.0.2")
    peer, (host, _) = listener.accept()
    peer.close()
    assert host == "127.0.0.2"
    assert stream.get_extra_info("client_addr")[0] == "127.0.0.2"
    stream.close()


@pytest.mark.parametrize(
    "local_address",
    ["::1", "192.0.2.77", "no-such-name.invalid", "a" * 64, "127.0.0.1\0", "\ud800"],
)
def test_a_local_address_that_does_not_fit_is_a_connect_error(
    address: tuple[str, int], descriptors: Descriptors, local_address: str
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError):
        SyncBackend().connect_tcp(*address, timeout=5, local_address=local_address)
    assert descriptors() == count


@pytest.fixture
def many_descriptors() -> collections.abc.Iterator[None]:
    """Makes the next descriptor one that select(2) cannot take."""
    with contextlib.ExitStack() as stack:
        while True:
            descriptor = os.open("/dev/null", os.O_RDONLY)
            stack.callback(os.close, descriptor)
            if descriptor > 1030:
                break
        yield


@pytest.mark.usefixtures("many_descriptors")
def test_descriptors_of_any_number_will_do(
    listener: socket.socket,
    address: tuple[str, int],
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    client_context: ssl.SSLContext,
) -> None:
    # Without time, and to several addresses, it is a race.
    for timeout in (5, 0):
        stream = SyncBackend().connect_tcp(*address, timeout=timeout)
        accepted, _ = listener.accept()
        assert stream.get_extra_info("socket").fileno() > 1023
        assert stream.get_extra_info("is_readable") is False
        with pytest.raises(ReadTimeout):
            stream.read(100, timeout=0.01)
        peer = terminate(accepted)
        stream.start_tls(client_context, "localhost", timeout=5)
        stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert stream.read(100, timeout=5) == b"pong"
        stream.close()


class PretendedSocket:
    """What test tools put in the place of `socket.socket`: as little as they do."""

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        self.calls = [f"socket({family:d}, {kind:d}, {protocol:d})"]
        self.answer = b""

    def connect(self, address: tuple[str, int]) -> None:
        self.calls.append(f"connect({address})")

    def settimeout(self, timeout: float | None) -> None:
        self.calls.append("settimeout")

    def send(self, octets: bytes) -> int:
        self.answer = octets[::-1]
        return len(octets)

    def recv(self, max_bytes: int) -> bytes:
        return self.answer

    def close(self) -> None:
        self.calls.append("close")

    def getpeername(self) -> tuple[str, int]:
        return "somewhere.test", 80

    def setsockopt(self, level: int, option: int, value: int) -> None:
        pass

    def do_handshake(self) -> None:
        self.calls.append("do_handshake")


class PretendedContext:
    check_hostname = False

    @staticmethod
    def wrap_socket(
        sock: PretendedSocket, *, server_hostname: str, do_handshake_on_connect: bool
    ) -> PretendedSocket:
        sock.calls.append(f"wrap({server_hostname})")
        return sock


def test_the_socket_module_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(
        host: str,
        port: int,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the name that the original has
        proto: int = 0,
        flags: int = 0,
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", (host, port))]

    monkeypatch.setattr(socket, "socket", PretendedSocket)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "inet_pton", lambda family, host: b"\x7f\0\0\1")
    monkeypatch.setattr(ssl, "SSLContext", PretendedContext)
    stream = SyncBackend().connect_tcp("somewhere.test", 80, timeout=5)
    sock = stream.get_extra_info("socket")
    assert sock.calls == ["socket(2, 1, 6)", "settimeout", "connect(('somewhere.test', 80))"]
    stream.write(b"olleh", timeout=5)
    assert stream.read(100, timeout=5) == b"hello"
    encrypted = stream.start_tls(ssl.SSLContext(), "somewhere.test", timeout=5)
    encrypted.write(b"terces", timeout=5)
    assert encrypted.read(100, timeout=5) == b"secret"
    assert encrypted.get_extra_info("ssl_object") is sock
    assert "wrap(somewhere.test)" in sock.calls
    encrypted.close()
    assert sock.calls[-1] == "close"
