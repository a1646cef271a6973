"""What every check stands on: what a backend says of itself, and the fixtures."""

import collections.abc
import socket
import ssl
import typing

import pytest

from ._blackhole import Blackhole
from ._certificates import HOSTNAME, authority
from ._contract import contract
from ._face import AnyBackend, BackendFace, StreamFace
from ._peer import Listener, Peer
from ._resolver import LookUp, Resolver, getaddrinfo_with
from ._runner import Runner
from ._sockets import OpenSockets, WatchedSocket

KINDS = ("plain", "tls", "tls in tls")


class Pair(typing.NamedTuple):
    """A stream and the other end of its connection."""

    stream: StreamFace
    peer: Peer


class Kit:
    """The base of all groups of checks.

    What a backend cannot do, it says in one of the attributes, with the reason. The
    checks that need it are then skipped with that reason.

    Attributes:
        without_unix_sockets: Why `connect_unix_socket` raises ConnectError.
        without_tls: Why `start_tls` does not work at all.
        without_tls_in_tls: Why `start_tls` does not work on encrypted streams.
        without_socket: Why `get_extra_info("socket")` is None.
        without_getaddrinfo: Why replacing `socket.getaddrinfo` does not change to what
            names resolve. See also `patch_resolver`.
        patience: Seconds after which a call that has not come to its end has failed.
    """

    without_unix_sockets: str | None = None
    without_tls: str | None = None
    without_tls_in_tls: str | None = None
    without_socket: str | None = None
    without_getaddrinfo: str | None = None
    patience: float = 10.0

    def patch_resolver(self, monkeypatch: pytest.MonkeyPatch, look_up: LookUp) -> None:
        """Makes the backend ask `look_up` for the addresses of names in the domain `test`.

        Override it for a backend that does not resolve names by `socket.getaddrinfo`.

        Args:
            monkeypatch: Undoes the change after the test.
            look_up: Gets a name and a port, blocks, and returns what
                `socket.getaddrinfo` would.
        """
        replacement = getaddrinfo_with(look_up)
        monkeypatch.setattr(socket, "getaddrinfo", replacement)

    @pytest.fixture
    def backend(self) -> AnyBackend:
        """The backend that is tested. Every test class has to override it."""
        raise NotImplementedError(f"{type(self).__name__} has no fixture named backend")

    @pytest.fixture
    def runner(self) -> Runner:
        """Runs the calls of the backend. Each colour has its own."""
        raise NotImplementedError

    @pytest.fixture
    def patient_runner(self, runner: Runner) -> Runner:
        """The same, with the patience of this class."""
        # So that a timeout of as many seconds is over before.
        runner.patience = 1.5 * self.patience
        return runner

    @pytest.fixture
    def face(
        self, patient_runner: Runner, backend: AnyBackend
    ) -> collections.abc.Iterator[BackendFace]:
        """The backend, with the face that checks know. Closes what it has opened."""
        face = BackendFace(backend, patient_runner)
        yield face
        face.close()
        with contract("nothing raw leaves the stream, nor to the loop's exception handler"):
            assert list(patient_runner.complaints()) == []

    @pytest.fixture
    def listener(self) -> collections.abc.Iterator[Listener]:
        """A server at 127.0.0.1."""
        listener = Listener(socket.create_server(("127.0.0.1", 0)), self.patience)
        yield listener
        listener.close()

    @pytest.fixture
    def blackhole(self) -> collections.abc.Iterator[Blackhole]:
        """A server at 127.0.0.1 that answers no connect."""
        blackhole = Blackhole()
        yield blackhole
        blackhole.close()

    @pytest.fixture
    def refused(self) -> collections.abc.Iterator[tuple[str, int]]:
        """An address where connects are refused: bound, but nobody listens."""
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            host, port = sock.getsockname()
            yield host, port

    @pytest.fixture
    def resolver(
        self, monkeypatch: pytest.MonkeyPatch, face: BackendFace
    ) -> collections.abc.Iterator[Resolver]:
        """Names that resolve to what the check wants."""
        if self.without_getaddrinfo is not None:
            pytest.skip(self.without_getaddrinfo)
        resolver = Resolver()
        self.patch_resolver(monkeypatch, resolver.look_up)
        yield resolver
        resolver.may_answer.set()

    @pytest.fixture
    def client_context(self) -> ssl.SSLContext:
        """Trusts the authority of the servers here. A fresh one."""
        return authority().make_client_context()

    @pytest.fixture
    def plain_pair(self, face: BackendFace, listener: Listener) -> Pair:
        """A connection without encryption."""
        with contract("connect_tcp opens a TCP connection"):
            stream = face.connect_tcp(listener.address, self.patience)
            return Pair(stream, listener.accept())

    @pytest.fixture
    def tls_pair(
        self, face: BackendFace, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> Pair:
        """A connection with TLS."""
        return self.encrypt(face, plain_pair, client_context)

    @pytest.fixture(params=KINDS)
    def pair(self, request: pytest.FixtureRequest, face: BackendFace, plain_pair: Pair) -> Pair:
        """Connections of every kind."""
        return self.wrap(face, plain_pair, KINDS.index(str(request.param)))

    def need_tls(self, layers: int) -> None:
        """Skips the test if the backend does not have so many layers of TLS."""
        if layers and self.without_tls is not None:
            pytest.skip(self.without_tls)
        if layers > 1 and self.without_tls_in_tls is not None:
            pytest.skip(self.without_tls_in_tls)

    def wrap(self, face: BackendFace, pair: Pair, layers: int) -> Pair:
        """Puts layers of TLS over a connection.

        Args:
            face: The backend that has opened it.
            pair: Both ends of it.
            layers: How many; 0 is possible.
        """
        for _ in range(layers):
            pair = self.encrypt(face, pair, authority().make_client_context())
        return pair

    def encrypt(self, face: BackendFace, pair: Pair, context: ssl.SSLContext) -> Pair:
        """Puts a layer of TLS over a connection.

        Args:
            face: The backend that has opened it.
            pair: Both ends of it.
            context: That of the client.
        """
        self.need_tls(pair.peer.layers + 1)
        pair.peer.terminate_tls(authority().server_context)
        with contract("start_tls performs a TLS handshake and returns the encrypted stream"):
            operation = pair.stream.begin_start_tls(context, HOSTNAME, self.patience)
            return Pair(face.adopt(operation), pair.peer)

    def socket_of(self, stream: StreamFace) -> socket.socket:
        """Returns the socket under a stream; skips the test if none is shown."""
        if self.without_socket is not None:
            pytest.skip(self.without_socket)
        sock = stream.fact("socket")
        assert isinstance(sock, socket.socket), f"get_extra_info('socket') returned {sock!r}"
        return sock

    def sockets(self) -> OpenSockets:
        """Returns the sockets that are open now, to be compared with later."""
        return OpenSockets(self.patience)

    def watch_socket(self, peer: Peer) -> WatchedSocket:
        """Returns the socket at the other end of a peer's connection, to be looked at later."""
        return WatchedSocket(peer.client_address, self.patience)
