"""Records the traffic of a program to a file, and plays it back without a network.

For tests that shall see what a real server really sent, and for a failure in the field that
is to be looked at again at home. What is recorded are the calls between the pool and the
network, with what came of them, failures too: one line of JSON for each. TLS is below them,
so the bytes are those of HTTP.

    python record_and_replay.py record https://www.example.com/ traffic.jsonl
    python record_and_replay.py replay https://www.example.com/ traffic.jsonl

The replay is strict. A program that sends other bytes than it did when it was recorded gets
a `ReplayError` that shows both. The file has everything in it, passwords and cookies too.
"""

import argparse
import collections
import collections.abc
import dataclasses
import itertools
import json
import ssl
import threading
import typing

import httpcore

FAILURES = (httpcore.NetworkError, httpcore.TimeoutException)

# What the contract lets a backend raise, by name.
EXCEPTIONS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        *(httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError),
        *(httpcore.ConnectTimeout, httpcore.ReadTimeout, httpcore.WriteTimeout),
    )
}


class ReplayError(Exception):
    """The program does not do what it did when it was recorded."""


@dataclasses.dataclass(frozen=True)
class Event:
    """One call of the pool, and what came of it: a line of the file.

    Args:
        connection: The number of the connection, from 0 on.
        name: `connect`, `start_tls`, `write`, `read` or `close`.
        target: Where a connect goes, or the name of the server in a handshake.
        octets: What was sent or received.
        protocol: What a handshake agreed on.
        error: The name of the exception that was raised.
        message: What it said.
    """

    connection: int
    name: str
    target: str | None = None
    octets: bytes = b""
    protocol: str | None = None
    error: str | None = None
    message: str | None = None

    def to_line(self) -> str:
        """Returns the event as a line; what has nothing to say is left out."""
        # Every byte has its character in Latin-1, and HTTP can be read.
        fields = dataclasses.asdict(self) | {"octets": self.octets.decode("latin-1")}
        known = {name: value for name, value in fields.items() if value not in (None, "")}
        return json.dumps(known)

    @classmethod
    def from_line(cls, line: str) -> "Event":
        """Reads a line."""
        fields = json.loads(line)
        return cls(**fields | {"octets": fields.get("octets", "").encode("latin-1")})

    def raise_failure(self) -> None:
        """Raises what was raised then, if anything was."""
        if self.error is not None:
            raise EXCEPTIONS[self.error](self.message)


class Recording:
    """The file that a recording goes to.

    Args:
        file: Where to write.
    """

    def __init__(self, file: typing.TextIO) -> None:
        self._file = file
        # Lines of two threads must not mix.
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def next_number(self) -> int:
        """Returns the number of a new connection."""
        return next(self._numbers)

    def note(self, event: Event) -> None:
        """Writes an event."""
        with self._lock:
            self._file.write(f"{event.to_line()}\n")

    def note_failure(self, event: Event, exc: Exception) -> None:
        """Writes an event that ended in an exception."""
        self.note(dataclasses.replace(event, error=type(exc).__name__, message=str(exc)))


class RecordingStream(httpcore.NetworkStream):
    """A stream whose calls are recorded.

    Args:
        stream: Does the work.
        recording: Where to note it.
        number: Of this connection.
    """

    def __init__(
        self, stream: httpcore.NetworkStream, recording: Recording, number: int
    ) -> None:
        self._stream = stream
        self._recording = recording
        self._number = number

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads, and records what came."""
        event = Event(self._number, "read")
        try:
            octets = self._stream.read(max_bytes, timeout)
        except FAILURES as exc:
            self._recording.note_failure(event, exc)
            raise
        self._recording.note(dataclasses.replace(event, octets=octets))
        return octets

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes, and records what was sent."""
        event = Event(self._number, "write", octets=bytes(buffer))
        try:
            self._stream.write(buffer, timeout)
        except FAILURES as exc:
            self._recording.note_failure(event, exc)
            raise
        self._recording.note(event)

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until something can be sent, or received."""
        return self._stream.wait_writable(timeout)

    def close(self) -> None:
        """Closes the connection."""
        self._recording.note(Event(self._number, "close"))
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Performs a handshake, and records what was agreed on."""
        event = Event(self._number, "start_tls", target=server_hostname)
        try:
            self._stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        except FAILURES as exc:
            self._recording.note_failure(event, exc)
            raise
        ssl_object = self._stream.get_extra_info("ssl_object")
        protocol = ssl_object and ssl_object.selected_alpn_protocol()
        self._recording.note(dataclasses.replace(event, protocol=protocol))
        return self

    def get_extra_info(self, info: str) -> object:
        """Returns a fact about the connection."""
        return self._stream.get_extra_info(info)


class RecordingBackend(httpcore.NetworkBackend):
    """Opens connections that are recorded.

    Args:
        file: Where the recording goes.
        backend: Does the work.
    """

    def __init__(
        self, file: typing.TextIO, backend: httpcore.NetworkBackend | None = None
    ) -> None:
        self._recording = Recording(file)
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a TCP connection, and records where it goes."""
        return self._record(
            f"{host}:{port}",
            lambda: self._backend.connect_tcp(
                host, port, timeout, local_address, socket_options
            ),
        )

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection to a Unix socket, and records where it goes."""
        return self._record(
            path, lambda: self._backend.connect_unix_socket(path, timeout, socket_options)
        )

    def _record(
        self, target: str, connect: collections.abc.Callable[[], httpcore.NetworkStream]
    ) -> httpcore.NetworkStream:
        event = Event(self._recording.next_number(), "connect", target=target)
        try:
            stream = connect()
        except FAILURES as exc:
            self._recording.note_failure(event, exc)
            raise
        self._recording.note(event)
        return RecordingStream(stream, self._recording, event.connection)

    def interrupt_connect(self, thread: int) -> bool:
        """Ends a connect in another thread, when a pool is closed."""
        return self._backend.interrupt_connect(thread)

    def sleep(self, seconds: float) -> None:
        """Waits between two attempts; another thread may end that, too."""
        self._backend.sleep(seconds)


class ReplayedTLS:
    """What a replay knows of an `ssl_object`.

    Args:
        protocol: What the handshake agreed on.
    """

    def __init__(self, protocol: str | None) -> None:
        self._protocol = protocol

    def selected_alpn_protocol(self) -> str | None:
        """Returns what the handshake agreed on."""
        return self._protocol


class ReplayedStream(httpcore.NetworkStream):
    """A connection as it was recorded.

    Args:
        events: What happened on it after the connect.
    """

    def __init__(self, events: collections.deque[Event]) -> None:
        self._events = events
        self._ssl_object: ReplayedTLS | None = None
        self._is_closed = False

    def _next(self, name: str, doing: str) -> Event:
        if not self._events or self._events[0].name != name:
            expected = self._events[0].to_line() if self._events else "nothing more"
            raise ReplayError(f"{doing}, but recorded is: {expected}")
        return self._events.popleft()

    def _has_ended(self) -> bool:
        # Where the program closed it then, the server says no more now.
        return not self._events or self._events[0].name == "close"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Returns what came then, whatever it takes to wait for it."""
        if self._is_closed:
            raise httpcore.ReadError("this side has closed the connection")
        if self._has_ended():
            return b""
        event = self._next("read", "a read")
        event.raise_failure()
        taken, rest = event.octets[:max_bytes], event.octets[max_bytes:]
        if rest:
            self._events.appendleft(dataclasses.replace(event, octets=rest))
        return taken

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Compares what is sent with what was sent then."""
        if self._is_closed:
            raise httpcore.WriteError("this side has closed the connection")
        octets = bytes(buffer)
        # It may have been cut into other pieces.
        while octets:
            event = self._next("write", f"{octets!r} is written")
            both = min(len(octets), len(event.octets))
            if octets[:both] != event.octets[:both]:
                raise ReplayError(f"{octets!r} is written, but recorded is {event.octets!r}")
            event.raise_failure()
            octets, rest = octets[both:], event.octets[both:]
            if rest:
                self._events.appendleft(dataclasses.replace(event, octets=rest))

    def close(self) -> None:
        """Closes the connection."""
        self._is_closed = True

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Comes to the end that the handshake came to then."""
        event = self._next("start_tls", f"a handshake with {server_hostname}")
        if event.target != server_hostname:
            raise ReplayError(f"a handshake with {server_hostname}, not {event.target}")
        event.raise_failure()
        self._ssl_object = ReplayedTLS(event.protocol)
        return self

    def get_extra_info(self, info: str) -> object:
        """Returns `ssl_object` and `is_readable`; the rest is not recorded."""
        if info == "is_readable":
            return self._is_closed or self._has_ended() or self._events[0].name == "read"
        return self._ssl_object if info == "ssl_object" else None


class ReplayingBackend(httpcore.NetworkBackend):
    """Plays a recording back: no connection is opened, and nothing takes time.

    Connections to the same place are played in the order in which they were recorded;
    several threads may ask for different places at the same time.

    Args:
        lines: The recording.
    """

    def __init__(self, lines: collections.abc.Iterable[str]) -> None:
        self._connections: dict[int, collections.deque[Event]] = {}
        for line in lines:
            event = Event.from_line(line)
            events = self._connections.setdefault(event.connection, collections.deque())
            events.append(event)
        self._lock = threading.Lock()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Returns the next connection that was recorded to this host."""
        return self._connect(f"{host}:{port}")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Returns the next connection that was recorded to this socket."""
        return self._connect(path)

    def _connect(self, target: str) -> httpcore.NetworkStream:
        with self._lock:
            for number, events in self._connections.items():
                if events[0].target == target:
                    del self._connections[number]
                    break
            else:
                raise ReplayError(f"no further connection to {target} is recorded")
        events.popleft().raise_failure()
        return ReplayedStream(events)

    def sleep(self, seconds: float) -> None:
        """Does not wait."""


def fetch(url: str, backend: httpcore.NetworkBackend) -> httpcore.Response:
    """Sends a GET request."""
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        return pool.request("GET", url)


def main(arguments: collections.abc.Sequence[str] | None = None) -> None:
    """Reads the command line, sends the request and prints the response."""
    parser = argparse.ArgumentParser(description="Record a request, or replay it.")
    parser.add_argument("action", choices=["record", "replay"])
    parser.add_argument("url")
    parser.add_argument("file")
    options = parser.parse_args(arguments)
    if options.action == "record":
        with open(options.file, "w", encoding="utf-8") as file:
            response = fetch(options.url, RecordingBackend(file))
    else:
        with open(options.file, encoding="utf-8") as file:
            response = fetch(options.url, ReplayingBackend(file))
    print(response.status)
    print(response.content.decode(errors="replace"))


if __name__ == "__main__":
    main()
