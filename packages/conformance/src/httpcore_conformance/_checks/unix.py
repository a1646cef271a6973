"""Connections to Unix domain sockets."""

import collections.abc
import contextlib
import pathlib
import socket
import tempfile

import pytest

from httpcore_interface import ConnectError, ConnectTimeout

from .._blackhole import Blackhole
from .._contract import contract
from .._face import BackendFace
from .._kit import Kit
from .._peer import Listener
from .._timing import EARLY
from .connecting import LEAVES_NOTHING, NO_SUCH_OPTION


class ConnectingUnix(Kit):
    """What `connect_unix_socket` does."""

    @pytest.fixture
    def path(self) -> collections.abc.Iterator[str]:
        """Where a server may listen: short, since systems allow some 100 bytes only."""
        if self.without_unix_sockets is not None:
            pytest.skip(self.without_unix_sockets)
        if not hasattr(socket, "AF_UNIX"):
            pytest.skip("this platform has no Unix sockets")
        with tempfile.TemporaryDirectory() as folder:
            yield str(pathlib.Path(folder) / "socket")

    @pytest.fixture
    def unix_listener(self, path: str) -> collections.abc.Iterator[Listener]:
        """A server at the path."""
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        sock.listen()
        listener = Listener(sock, self.patience)
        yield listener
        listener.close()

    @pytest.fixture
    def full_server(self, path: str) -> collections.abc.Iterator[Blackhole]:
        """A server at the path, whose queue is full."""
        server = Blackhole(socket.AF_UNIX, path)
        yield server
        server.close()

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("connect_unix_socket opens a connection to a Unix domain socket")
    def test_connect_reaches_the_unix_server(
        self, face: BackendFace, path: str, unix_listener: Listener, timeout: float | None
    ) -> None:
        stream = face.connect_unix(path, timeout)
        peer = unix_listener.accept()
        stream.write(b"ping", self.patience)
        assert peer.receive(4) == b"ping"
        peer.send(b"pong")
        assert stream.read(100, self.patience) == b"pong"

    @contract("connect_unix_socket raises ConnectError when there is no such socket")
    def test_a_path_without_a_socket_is_a_connect_error(
        self, face: BackendFace, path: str
    ) -> None:
        sockets = self.sockets()
        error = face.begin_connect_unix(path, self.patience).raised(ConnectError)
        with contract("the cause of an error is chained"):
            assert error.__cause__ is not None, "the ConnectError has no __cause__"
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @contract("connect_unix_socket raises ConnectError when nobody listens")
    def test_a_unix_socket_where_nobody_listens_is_a_connect_error(
        self, face: BackendFace, path: str
    ) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
        face.begin_connect_unix(path, self.patience).raised(ConnectError)

    @pytest.mark.parametrize(
        "path", ["/dev/" + "x" * 200, "/dev/\ud800", "/dev/null\0x"], ids=repr
    )
    @contract("connect_unix_socket raises ConnectError when there is no such socket")
    def test_what_is_no_path_is_a_connect_error(self, face: BackendFace, path: str) -> None:
        if self.without_unix_sockets is not None:
            pytest.skip(self.without_unix_sockets)
        sockets = self.sockets()
        error = face.begin_connect_unix(path, self.patience).raised(ConnectError)
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @pytest.mark.parametrize("timeout", [0.1, 0, -1])
    @contract("connect_unix_socket raises ConnectTimeout: the server did not accept in time")
    def test_a_full_unix_server_is_a_connect_timeout(
        self, face: BackendFace, path: str, full_server: Blackhole, timeout: float
    ) -> None:
        sockets = self.sockets()
        operation = face.begin_connect_unix(path, timeout)
        error = operation.raised(ConnectTimeout)
        assert max(timeout - EARLY, 0) <= operation.seconds < max(timeout, 0) + self.patience
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("connect_unix_socket waits until the server accepts, for `timeout` seconds")
    def test_connect_waits_for_a_full_unix_server(
        self, face: BackendFace, path: str, full_server: Blackhole, timeout: float | None
    ) -> None:
        operation = face.begin_connect_unix(path, timeout)
        operation.wait_blocked()
        full_server.accept()
        face.adopt(operation)

    @contract("socket_options are arguments of setsockopt, applied before connecting")
    def test_options_are_applied_to_unix_sockets(
        self, face: BackendFace, path: str, unix_listener: Listener
    ) -> None:
        option = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream = face.connect_unix(path, self.patience, iter([option]))
        assert self.socket_of(stream).getsockopt(*option[:2]) != 0

    @contract(LEAVES_NOTHING)
    def test_a_unix_option_that_does_not_fit_is_a_connect_error(
        self, face: BackendFace, path: str, unix_listener: Listener
    ) -> None:
        sockets = self.sockets()
        error = face.begin_connect_unix(path, self.patience, [NO_SUCH_OPTION]).raised(
            ConnectError
        )
        with contextlib.closing(unix_listener.sock):
            assert not unix_listener.accept_all(), "it has connected before"
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"
