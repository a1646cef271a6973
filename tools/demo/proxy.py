"""The embedded proxies: HTTP, SOCKS5 and SOCKS4a, plain and over TLS.

One port speaks all of them, since the first byte of a connection tells them apart. They run
in an event loop of their own thread, and resolve names and relay bytes as any proxy does.
"""

import ipaddress
import re
import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import anyio
import trustme
from anyio.abc import ByteStream, SocketAttribute, SocketListener
from anyio.from_thread import start_blocking_portal
from anyio.streams.buffered import BufferedByteStream
from anyio.streams.tls import TLSStream

_HEAD_LIMIT = 64 * 1024
_LENGTH = re.compile(rb"(?im)^content-length: *(\d+) *$")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:")
_CREDENTIALS = re.compile(rb"(?im)^proxy-authorization: *basic +(\S*)\s*$")
# What concerns this connection alone (RFC 9110, section 7.6.1), or us.
_OURS = re.compile(rb"(?im)^(?:proxy-[a-z]+|connection|keep-alive):.*(?:\r\n|\Z)")

_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
_SOCKS5_REPLY = b"\5%c\0\1" + bytes(6)
_SOCKS4_REPLY = b"\0%c" + bytes(6)

# Whatever ends one connection, and must not end the others: a client that goes away, does
# not trust us, or talks nonsense.
_ENDINGS = (
    OSError,
    ValueError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.DelimiterNotFound,
    anyio.EndOfStream,
    anyio.IncompleteRead,
)

Auth = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Proxies:
    """Where the proxies are found, and what they were asked.

    Args:
        port: The plain port.
        tls_port: That of the same proxies over TLS.
        asked: A line for each tunnel and each request that was forwarded, such as
            "CONNECT 127.0.0.1:443", "SOCKS5 localhost:80" or "GET http://localhost/".
    """

    port: int
    tls_port: int
    asked: list[str] = field(default_factory=list)

    def url(self, scheme: str) -> str:
        """Return the URL of the proxy of one kind, such as "socks5"."""
        return f"{scheme}://127.0.0.1:{self.tls_port if scheme == 'https' else self.port}"


@contextmanager
def running_proxies(context: ssl.SSLContext, auth: Auth | None = None) -> Iterator[Proxies]:
    """Run the proxies on two free ports within the block.

    Args:
        context: For the TLS to the proxies, as a server.
        auth: The user and the password that they ask for; None: they ask for none.
    """
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_listening(context, auth)) as proxies,
    ):
        yield proxies


def make_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return a context for `running_proxies`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@asynccontextmanager
async def _listening(context: ssl.SSLContext, auth: Auth | None) -> AsyncIterator[Proxies]:
    async with await _listen() as plain, await _listen() as tls:
        port = SocketAttribute.local_port
        proxies = Proxies(plain.extra(port), tls.extra(port))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(plain.serve, partial(_converse, proxies, auth, None))
            tasks.start_soon(tls.serve, partial(_converse, proxies, auth, context))
            yield proxies
            # Ends the conversations too: each closes its sockets on the way out.
            tasks.cancel_scope.cancel()


async def _listen() -> SocketListener:
    [listener] = (await anyio.create_tcp_listener(local_host="127.0.0.1")).listeners
    assert isinstance(listener, SocketListener)
    return listener


async def _converse(
    proxies: Proxies, auth: Auth | None, context: ssl.SSLContext | None, stream: ByteStream
) -> None:
    # The star: what happens in a task group comes in an exception group.
    try:
        async with stream:
            if context is not None:
                stream = await TLSStream.wrap(stream, server_side=True, ssl_context=context)
            async with BufferedByteStream(stream) as client:
                await _Conversation(client, proxies.asked, auth).run()
    except* _ENDINGS:
        pass


class _Conversation:
    """What is said on one connection to a proxy.

    Args:
        client: Who connected.
        asked: Where to note what is asked.
        auth: What the client has to know, if anything.
    """

    def __init__(self, client: BufferedByteStream, asked: list[str], auth: Auth | None) -> None:
        self._client = client
        self._asked = asked
        self._auth = auth

    async def run(self) -> None:
        """Do as the client asks, until one of both ends leaves."""
        first = await self._client.receive_exactly(1)
        match first:
            case b"\5":
                await self._speak_socks5()
            case b"\4":
                await self._speak_socks4()
            case _:
                await self._speak_http(first)

    # -- HTTP ----------------------------------------------------------------------

    async def _speak_http(self, begun: bytes) -> None:
        head = begun + await self._receive_head()
        while not self._is_welcome(head):
            # The connection stays, for whoever tries again.
            await self._client.send(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n'
            )
            head = await self._receive_head()
        method, target, _ = head.split(b" ", 2)
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            await self._tunnel(
                *("CONNECT", host.strip("[]"), int(port)),
                b"HTTP/1.1 200 Connection established\r\n\r\n",
                _BAD_GATEWAY,
            )
        else:
            await self._forward(head, target)

    async def _receive_head(self) -> bytes:
        return await self._client.receive_until(b"\r\n\r\n", _HEAD_LIMIT)

    def _is_welcome(self, head: bytes) -> bool:
        if self._auth is None:
            return True
        found = _CREDENTIALS.search(head)
        return found is not None and found[1] == b64encode(b":".join(self._auth))

    async def _forward(self, head: bytes, target: bytes) -> None:
        origin = urlsplit(target.decode())
        try:
            server = await _connect(origin.hostname or "", origin.port or 80)
        except OSError:
            await self._client.send(_BAD_GATEWAY)
            return
        async with server, anyio.create_task_group() as tasks:
            # As the responses come; where each of them ends is for the client to know.
            tasks.start_soon(_copy, server, self._client, tasks.cancel_scope)
            while True:
                await self._pass_on(head, server)
                head = await self._receive_head()

    async def _pass_on(self, head: bytes, server: ByteStream) -> None:
        if _CHUNKED.search(head):
            raise ValueError("only bodies of a known length are forwarded")
        method, target, rest = head.split(b" ", 2)
        self._asked.append(f"{method.decode()} {target.decode()}")
        # A URL without a path is about the whole server (RFC 9112, section 3.2.4).
        path = b"/" + target.split(b"/", 3)[3] if target.count(b"/") > 2 else b"*"
        version, _, fields = rest.partition(b"\r\n")
        fields = _OURS.sub(b"", fields + b"\r\n")
        await server.send(b"%b %b %b\r\n%b\r\n" % (method, path, version, fields))
        length = _LENGTH.search(head.replace(b"\r\n", b"\n"))
        left = int(length[1]) if length else 0
        while left:
            part = await self._client.receive(min(left, 65536))
            await server.send(part)
            left -= len(part)

    # -- SOCKS ---------------------------------------------------------------------

    async def _speak_socks5(self) -> None:
        """Speak SOCKS5 (RFC 1928), with user and password if that is asked for (RFC 1929)."""
        client = self._client
        offered = await self._receive_counted()
        method = 0 if self._auth is None else 2
        if method not in offered:
            await client.send(b"\5\xff")
            return
        await client.send(bytes([5, method]))
        if self._auth is not None:
            await client.receive_exactly(1)
            known = (await self._receive_counted(), await self._receive_counted()) == self._auth
            await client.send(b"\1\0" if known else b"\1\1")
            if not known:
                return
        kind = (await client.receive_exactly(4))[3]
        if kind == 3:
            host = (await self._receive_counted()).decode()
        else:
            octets = await client.receive_exactly(4 if kind == 1 else 16)
            host = str(ipaddress.ip_address(octets))
        [port] = struct.unpack(">H", await client.receive_exactly(2))
        # 5: connection refused.
        await self._tunnel("SOCKS5", host, port, _SOCKS5_REPLY % 0, _SOCKS5_REPLY % 5)

    async def _receive_counted(self) -> bytes:
        [count] = await self._client.receive_exactly(1)
        return await self._client.receive_exactly(count)

    async def _speak_socks4(self) -> None:
        """Speak SOCKS4, or SOCKS4a if the address is none: then a name follows the user."""
        client = self._client
        port, octets = struct.unpack(">xH4s", await client.receive_exactly(7))
        user = await client.receive_until(b"\0", 256)
        host = str(ipaddress.ip_address(octets))
        if octets[:3] == b"\0\0\0":
            host = (await client.receive_until(b"\0", 256)).decode()
        if self._auth is not None and user != self._auth[0]:
            await client.send(_SOCKS4_REPLY % 93)
            return
        await self._tunnel("SOCKS4", host, port, _SOCKS4_REPLY % 90, _SOCKS4_REPLY % 91)

    # -- tunnels -------------------------------------------------------------------

    async def _tunnel(
        self, kind: str, host: str, port: int, opened: bytes, refused: bytes
    ) -> None:
        """Connect, say what came of it, and relay from then on."""
        self._asked.append(f"{kind} {f'[{host}]' if ':' in host else host}:{port}")
        try:
            server = await _connect(host, port)
        except OSError:
            await self._client.send(refused)
            return
        async with server, anyio.create_task_group() as tasks:
            await self._client.send(opened)
            tasks.start_soon(_copy, server, self._client, tasks.cancel_scope)
            tasks.start_soon(_copy, self._client, server, tasks.cancel_scope)


async def _connect(host: str, port: int) -> ByteStream:
    for *_, address in await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with suppress(OSError):
            return await anyio.connect_tcp(*address[:2])
    raise ConnectionRefusedError(f"{host} port {port} cannot be reached")


async def _copy(source: ByteStream, target: ByteStream, relaying: anyio.CancelScope) -> None:
    """Copy one direction; its end is the other's, too."""
    try:
        while True:
            await target.send(await source.receive())
    except _ENDINGS:
        relaying.cancel()
