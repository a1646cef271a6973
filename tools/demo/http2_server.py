"""The embedded server of HTTP/2: hypercorn, in an event loop of its own thread.

Plain for clients that know what it speaks, and over TLS by ALPN. What it answers is what
`server` answers, in the words of ASGI.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import hypercorn.asyncio
import hypercorn.config
import trustme

from tools.demo.server import CHUNKED, LARGE, SMALL, Address

_SECONDS = 30.0

Message = dict[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Config(hypercorn.config.Config):
    """Takes its certificate from an authority, without a file.

    Args:
        authority: Signs the certificate.
        plain: Where it listens.
        tls: Where it listens for encrypted connections.
    """

    def __init__(self, authority: trustme.CA, plain: socket.socket, tls: socket.socket) -> None:
        super().__init__()
        self._authority = authority
        # They are the server's from now on, which closes them.
        self._bind = [f"fd://{tls.detach()}"]
        self._insecure_bind = [f"fd://{plain.detach()}"]
        self.graceful_timeout = 0.0
        # Standard output is the table's.
        self.accesslog = self.errorlog = None

    @property
    def ssl_enabled(self) -> bool:
        """Whether any socket is encrypted."""
        return True

    def create_ssl_context(self) -> ssl.SSLContext:
        """Make the server's context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        context.set_alpn_protocols(["h2"])
        return context


@contextmanager
def running_http2_server(authority: trustme.CA) -> Iterator[Address]:
    """Serve on two free ports within the block; the authority signs the certificate."""
    # They listen from the beginning: whoever connects too early waits.
    plain, tls = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    address = Address(
        f"http://127.0.0.1:{plain.getsockname()[1]}",
        f"https://127.0.0.1:{tls.getsockname()[1]}",
        authority,
    )
    server = _Server(_Config(authority, plain, tls))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.stop()
        thread.join(_SECONDS)


class _Server:
    def __init__(self, config: hypercorn.config.Config) -> None:
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        # hypercorn's types know its own kinds of ASGI messages only.
        await hypercorn.asyncio.serve(
            answer,  # type: ignore[arg-type]
            self._config,
            shutdown_trigger=self._wait_until_over,
        )

    async def _wait_until_over(self) -> None:
        await self._is_over.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)


async def answer(scope: Message, receive: Receive, send: Send) -> None:
    """Answer a request, once its body has come."""
    if scope["type"] != "http":
        return
    body = await _read_body(receive)
    match scope["method"], scope["path"]:
        case "GET", "/small":
            await _respond(send, 200, bytes(SMALL))
        case "GET", "/chunked":
            await _respond(send, 200, bytes(CHUNKED), has_length=False)
        case "GET", "/large":
            await _respond(send, 200, bytes(LARGE))
        case "POST", "/echo":
            await _respond(send, 200, body)
        case _:
            await _respond(send, 404, b"")


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        part = message.get("body", b"")
        assert isinstance(part, bytes)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: bytes, *, has_length: bool = True) -> None:
    headers = [(b"content-length", b"%d" % len(body))] if has_length else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
