import collections.abc
import socket
import threading
import time

import pytest

from httpcore_interface import ConnectError, ConnectTimeout
from httpcore_sync import SyncBackend

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


class Resolver:
    """Stands in for `socket.getaddrinfo`, and notes how it was called."""

    def __init__(self, answer: tuple[str, int]) -> None:
        self.answer = answer
        self.threads: list[threading.Thread] = []
        self.flags: list[int] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    def __call__(
        self, host: str, port: int, family: int, kind: int, proto: int, flags: int
    ) -> list[Address]:
        self.threads.append(threading.current_thread())
        self.flags.append(flags)
        assert self.may_answer.wait(5)
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", self.answer)]


@pytest.fixture
def resolver(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> collections.abc.Iterator[Resolver]:
    resolver = Resolver(listener.getsockname())
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.may_answer.set()
    for thread in resolver.threads:
        if thread is not threading.current_thread():
            thread.join(5)


@pytest.mark.parametrize("timeout", [None, float("inf"), 5])
def test_a_name_is_resolved(resolver: Resolver, timeout: float | None) -> None:
    stream = SyncBackend().connect_tcp("somewhere.test", 80, timeout=timeout)
    assert stream.get_extra_info("server_addr") == resolver.answer
    stream.close()


def test_a_resolver_that_hangs_does_not_outlast_the_timeout(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=r"'somewhere\.test' .* 0\.05 seconds"):
        SyncBackend().connect_tcp("somewhere.test", 80, timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 1
    # Nor does it keep the program from ending.
    assert [thread.daemon for thread in resolver.threads] == [True]


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_no_name_is_resolved(resolver: Resolver, timeout: float) -> None:
    with pytest.raises(ConnectTimeout, match=f"within {timeout} seconds"):
        SyncBackend().connect_tcp("somewhere.test", 80, timeout=timeout)
    assert resolver.threads == []


def test_resolution_and_connect_share_one_deadline(
    resolver: Resolver, blackhole: tuple[str, int]
) -> None:
    resolver.answer = blackhole
    resolver.may_answer.clear()
    timer = threading.Timer(0.75, resolver.may_answer.set)
    timer.start()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match="1 address tried"):
        SyncBackend().connect_tcp("somewhere.test", 80, timeout=1.5)
    # Two deadlines would be over after 2.25 seconds.
    assert 1.5 <= time.monotonic() - before < 2.2
    timer.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo"])
def test_an_address_is_not_sent_to_a_resolver(resolver: Resolver, host: str) -> None:
    SyncBackend().connect_tcp(host, 80, timeout=5).close()
    assert resolver.threads == [threading.current_thread()]
    assert resolver.flags == [socket.AI_NUMERICHOST]


def test_without_a_timeout_no_thread_is_started(resolver: Resolver) -> None:
    SyncBackend().connect_tcp("somewhere.test", 80).close()
    assert resolver.threads == [threading.current_thread()]


def test_a_name_is_resolved_even_when_no_thread_can_be_started(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    SyncBackend().connect_tcp("somewhere.test", 80, timeout=5).close()
    assert resolver.threads == [threading.current_thread()]


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(-2, "Name or service not known"),
        OSError(24, "Too many open files"),
        UnicodeError("label too long"),
    ],
)
def test_a_name_that_cannot_be_resolved_is_a_connect_error(
    resolver: Resolver, timeout: float | None, error: Exception
) -> None:
    resolver.error = error
    with pytest.raises(ConnectError) as caught:
        SyncBackend().connect_tcp("nowhere.test", 80, timeout=timeout)
    assert "nowhere.test" in str(caught.value)
    assert str(error) in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("timeout", [None, 5])
def test_a_defect_of_the_resolver_is_not_hidden(
    resolver: Resolver, timeout: float | None
) -> None:
    resolver.error = LookupError("defect")
    with pytest.raises(LookupError, match="defect"):
        SyncBackend().connect_tcp("somewhere.test", 80, timeout=timeout)


def test_a_name_without_addresses_is_a_connect_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
    with pytest.raises(ConnectError, match=r"somewhere\.test.*no address"):
        SyncBackend().connect_tcp("somewhere.test", 80, timeout=5)


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1\0.example",
        "localhost\0.example",
        "a" * 64,
        "a..b",
        "\udc80",
        ":",
        "fe80::1%nowhere",
        "[::1]",
    ],
)
def test_what_is_no_host_is_a_connect_error(
    listener: socket.socket, host: str, timeout: float | None
) -> None:
    _, port = listener.getsockname()
    with pytest.raises(ConnectError, match=r"resolve|null character"):
        SyncBackend().connect_tcp(host, port, timeout=timeout)


@pytest.mark.parametrize("port", [-1, 65536, 65536 + 80])
def test_what_is_no_port_is_a_connect_error(port: int) -> None:
    with pytest.raises(ConnectError, match=f"port {port} is not"):
        SyncBackend().connect_tcp("127.0.0.1", port, timeout=5)
