"""Shows what goes over the network: every operation, how long it took, every byte.

For the question what a server was really sent, and where the time goes. The backend stands
above TLS, so that its bytes are those of HTTP, not ciphertext.

    python debugging.py https://www.example.com/

The log goes to standard error, so that the response can be kept apart. It shows passwords
and cookies, too: look before you send it to anybody.
"""

import argparse
import collections.abc
import contextlib
import itertools
import ssl
import sys
import threading
import time
import typing

import httpcore


def hex_dump(octets: bytes) -> collections.abc.Iterator[str]:
    """Yields a line for each 16 bytes: where, in hexadecimal, as text."""
    for start in range(0, len(octets), 16):
        piece = octets[start : start + 16]
        text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in piece)
        yield f"    {start:08x}  {piece.hex(' '):<47}  |{text}|"


class Outcome:
    """What there is to tell of an operation, beyond that it went well.

    Attributes:
        facts: For the line of the operation.
        octets: Shown below it.
    """

    def __init__(self) -> None:
        self.facts = ""
        self.octets = b""


class Log:
    """Writes operations to a file, each when it has ended.

    Args:
        file: Where to write.
    """

    def __init__(self, file: typing.TextIO) -> None:
        self._file = file
        self._began = time.monotonic()
        # Lines of two threads must not mix.
        self._lock = threading.Lock()
        self.numbers = itertools.count(1)

    @contextlib.contextmanager
    def operation(self, number: int, name: str) -> collections.abc.Iterator[Outcome]:
        """Measures an operation, and writes what became of it."""
        outcome = Outcome()
        began = time.monotonic()
        try:
            yield outcome
        except BaseException as exc:
            outcome.facts = f" failed: {exc!r}"
            raise
        finally:
            now = time.monotonic()
            # When it began, which connection, what it did, for how long.
            first = (
                f"{began - self._began:9.4f} #{number} {name}"
                f" {(now - began) * 1000:.1f} ms{outcome.facts}"
            )
            with self._lock:
                for line in (first, *hex_dump(outcome.octets)):
                    self._file.write(f"{line}\n")


class LoggedStream(httpcore.NetworkStream):
    """A stream that tells a log what happens on it.

    Args:
        stream: Does the work.
        log: What to tell.
        number: Of this connection.
    """

    def __init__(self, stream: httpcore.NetworkStream, log: Log, number: int) -> None:
        self._stream = stream
        self._log = log
        self._number = number

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads, and shows what came."""
        with self._log.operation(self._number, f"read({max_bytes})") as outcome:
            octets = self._stream.read(max_bytes, timeout)
            outcome.facts = f": {len(octets)} bytes" if octets else ": the end of the stream"
            outcome.octets = octets
        return octets

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes, and shows what was sent."""
        # Any bytes-like object may come; len() of a memoryview need not count bytes.
        octets = bytes(buffer)
        with self._log.operation(self._number, f"write({len(octets)} bytes)") as outcome:
            # Also where it fails: a part of them may have been sent.
            outcome.octets = octets
            self._stream.write(buffer, timeout)

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until something can be sent, or received."""
        with self._log.operation(self._number, "wait_writable()") as outcome:
            is_writable = self._stream.wait_writable(timeout)
            outcome.facts = f": {is_writable}"
        return is_writable

    def close(self) -> None:
        """Closes the connection."""
        with self._log.operation(self._number, "close()"):
            self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Performs a handshake, and shows what was agreed on."""
        with self._log.operation(self._number, f"start_tls({server_hostname!r})") as outcome:
            stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
            ssl_object = stream.get_extra_info("ssl_object")
            if ssl_object is not None:
                protocol = ssl_object.selected_alpn_protocol()
                outcome.facts = f": {ssl_object.version()}, {protocol}"
        return LoggedStream(stream, self._log, self._number)

    def get_extra_info(self, info: str) -> object:
        """Returns a fact about the connection."""
        return self._stream.get_extra_info(info)


class LoggingBackend(httpcore.NetworkBackend):
    """Opens connections that tell a log what happens on them.

    Args:
        file: Where to write the log.
        backend: Does the work.
    """

    def __init__(
        self, file: typing.TextIO, backend: httpcore.NetworkBackend | None = None
    ) -> None:
        self._log = Log(file)
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a TCP connection, and shows where it goes."""
        number = next(self._log.numbers)
        with self._log.operation(number, f"connect_tcp({host!r}, {port})") as outcome:
            stream = self._backend.connect_tcp(
                host, port, timeout, local_address, socket_options
            )
            outcome.facts = f": {stream.get_extra_info('server_addr')}"
        return LoggedStream(stream, self._log, number)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection to a Unix socket."""
        number = next(self._log.numbers)
        with self._log.operation(number, f"connect_unix_socket({path!r})"):
            stream = self._backend.connect_unix_socket(path, timeout, socket_options)
        return LoggedStream(stream, self._log, number)

    def interrupt_connect(self, thread: int) -> bool:
        """Ends a connect in another thread, when a pool is closed."""
        return self._backend.interrupt_connect(thread)

    def sleep(self, seconds: float) -> None:
        """Waits between two attempts; another thread may end that, too."""
        self._backend.sleep(seconds)


def main(arguments: collections.abc.Sequence[str] | None = None) -> None:
    """Reads the command line, sends the request and prints the response."""
    parser = argparse.ArgumentParser(description="Show what a request does on the network.")
    parser.add_argument("url")
    options = parser.parse_args(arguments)
    backend = LoggingBackend(sys.stderr)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        response = pool.request("GET", options.url)
    print(response.status)
    print(response.content.decode(errors="replace"))


if __name__ == "__main__":
    main()
