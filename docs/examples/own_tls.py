"""Talks only to a server whose certificate has a given fingerprint, and may show its own.

For an API that is to be reached at one known server and through no interceptor, however
well the authorities may vouch for that. The backend looks at the certificate after each
handshake, before a byte of the request is sent. The usual checks remain: a certificate that
nobody signed has to be trusted as well, by `--trust`.

    python own_tls.py https://www.example.com/ 5ef2f214...
    python own_tls.py https://device.local/ 5ef2f214... --trust device.pem --identity me.pem

With a wrong fingerprint the error says which one the server has. A certificate of the client
(`--identity`: certificate and key, as PEM) takes no backend of its own: it belongs to the
`ssl_context` of the pool.
"""

import argparse
import asyncio
import collections.abc
import hashlib
import ssl
import typing

import httpcore


def check_fingerprint(ssl_object: ssl.SSLObject | None, expected: str) -> None:
    """Compares the server's certificate with a fingerprint.

    Args:
        ssl_object: What is known about the connection.
        expected: The SHA-256 of the certificate as DER, in hexadecimal; colons and upper
            case do no harm.

    Raises:
        ConnectError: It is the certificate of somebody else.
    """
    certificate = None if ssl_object is None else ssl_object.getpeercert(binary_form=True)
    found = hashlib.sha256(certificate or b"").hexdigest()
    if found != expected.replace(":", "").lower():
        raise httpcore.ConnectError(f"the server's certificate has the fingerprint {found}")


class PinnedStream(httpcore.NetworkStream):
    """A stream whose peer has to have one particular certificate.

    Args:
        stream: The connection.
        fingerprint: That of the certificate.
    """

    def __init__(self, stream: httpcore.NetworkStream, fingerprint: str) -> None:
        self._stream = stream
        self._fingerprint = fingerprint

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Performs the handshake, and looks at the certificate."""
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        try:
            check_fingerprint(stream.get_extra_info("ssl_object"), self._fingerprint)
        except BaseException:
            # A handshake that fails leaves no connection behind.
            stream.close()
            raise
        # Nothing is left to do here: what follows is the encrypted stream's own business.
        return stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Refuses: without TLS nobody knows who has sent it."""
        raise httpcore.ReadError("the server is known by its certificate: use https")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Refuses: without TLS nobody knows who would get it."""
        raise httpcore.WriteError("the server is known by its certificate: use https")

    def close(self) -> None:
        """Closes the connection."""
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        """Returns a fact about the connection."""
        return self._stream.get_extra_info(info)


class PinningBackend(httpcore.NetworkBackend):
    """Connects to servers that have one particular certificate, and to no others.

    Args:
        fingerprint: That of the certificate.
        backend: Does the work.
    """

    def __init__(
        self, fingerprint: str, backend: httpcore.NetworkBackend | None = None
    ) -> None:
        self._fingerprint = fingerprint
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a TCP connection, on which TLS must follow."""
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return PinnedStream(stream, self._fingerprint)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection to a Unix socket, on which TLS must follow."""
        stream = self._backend.connect_unix_socket(path, timeout, socket_options)
        return PinnedStream(stream, self._fingerprint)

    def interrupt_connect(self, thread: int) -> bool:
        """Ends a connect in another thread, when a pool is closed."""
        return self._backend.interrupt_connect(thread)

    def sleep(self, seconds: float) -> None:
        """Waits between two attempts; another thread may end that, too."""
        self._backend.sleep(seconds)


class AsyncPinnedStream(httpcore.AsyncNetworkStream):
    """What `PinnedStream` is, for async code.

    Args:
        stream: The connection.
        fingerprint: That of the certificate.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, fingerprint: str) -> None:
        self._stream = stream
        self._fingerprint = fingerprint

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Performs the handshake, and looks at the certificate."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        try:
            check_fingerprint(stream.get_extra_info("ssl_object"), self._fingerprint)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Refuses: without TLS nobody knows who has sent it."""
        raise httpcore.ReadError("the server is known by its certificate: use https")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Refuses: without TLS nobody knows who would get it."""
        raise httpcore.WriteError("the server is known by its certificate: use https")

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """Returns a fact about the connection."""
        return self._stream.get_extra_info(info)


class AsyncPinningBackend(httpcore.AsyncNetworkBackend):
    """What `PinningBackend` is, for async code.

    Args:
        fingerprint: That of the certificate.
        backend: Does the work, on the event loop that is in use.
    """

    def __init__(self, fingerprint: str, backend: httpcore.AsyncNetworkBackend) -> None:
        self._fingerprint = fingerprint
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Opens a TCP connection, on which TLS must follow."""
        stream = await self._backend.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        return AsyncPinnedStream(stream, self._fingerprint)

    async def sleep(self, seconds: float) -> None:
        """Waits between two attempts."""
        await self._backend.sleep(seconds)


def fetch(url: str, fingerprint: str, ssl_context: ssl.SSLContext) -> httpcore.Response:
    """Sends a GET request from blocking code."""
    backend = PinningBackend(fingerprint)
    with httpcore.ConnectionPool(ssl_context=ssl_context, network_backend=backend) as pool:
        return pool.request("GET", url)


async def fetch_async(
    url: str, fingerprint: str, ssl_context: ssl.SSLContext
) -> httpcore.Response:
    """Sends a GET request from async code, here on asyncio."""
    backend = AsyncPinningBackend(fingerprint, httpcore.AsyncioBackend())
    async with httpcore.AsyncConnectionPool(
        ssl_context=ssl_context, network_backend=backend
    ) as pool:
        return await pool.request("GET", url)


def main(arguments: collections.abc.Sequence[str] | None = None) -> None:
    """Reads the command line, sends the request and prints the response."""
    parser = argparse.ArgumentParser(description="Send a request to one known server.")
    parser.add_argument("url")
    parser.add_argument("fingerprint", help="SHA-256 of the server's certificate")
    parser.add_argument("--trust", metavar="FILE", help="certificates to trust, as PEM")
    parser.add_argument("--identity", metavar="FILE", help="our certificate and key, as PEM")
    parser.add_argument("--async", action="store_true", dest="is_async")
    options = parser.parse_args(arguments)
    ssl_context = httpcore.default_ssl_context()
    if options.trust:
        ssl_context.load_verify_locations(options.trust)
    if options.identity:
        ssl_context.load_cert_chain(options.identity)
    if options.is_async:
        response = asyncio.run(fetch_async(options.url, options.fingerprint, ssl_context))
    else:
        response = fetch(options.url, options.fingerprint, ssl_context)
    print(response.status)
    print(response.content.decode(errors="replace"))


if __name__ == "__main__":
    main()
