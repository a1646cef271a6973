"""A small ASGI application that hypercorn serves.

/echo           the request as JSON: method, path, query, headers, body (latin-1)
/digest         the length and the SHA-256 of the request's body, as JSON
/mirror         the body, piece by piece, while it still arrives
/bytes/N        N bytes, with a Content-Length
/stream/N       N chunks of 1,000 bytes
/delay/N        an empty response after N milliseconds
/status/N       an empty response of that status
/dns-query      a question of DNS as an answer without records (RFC 8484)
/refuse         413 before the body is read

A WebSocket says everything again, wherever it was opened.
"""

import asyncio
import base64
import collections.abc
import hashlib
import json
import typing

Message = dict[str, object]
Receive = typing.Callable[[], typing.Awaitable[Message]]
Send = typing.Callable[[Message], typing.Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await parrot(receive, send)
    if scope["type"] != "http":
        return
    _, place, *arguments = str(scope["path"]).split("/")
    argument = int(arguments[0]) if arguments else 0
    exchange = Exchange(scope, receive, send)
    match place:
        case "echo":
            await exchange.respond(await exchange.description())
        case "digest":
            await exchange.respond(await exchange.digest())
        case "mirror":
            await exchange.mirror()
        case "bytes":
            await exchange.respond(b"x" * argument)
        case "stream":
            await exchange.stream(argument)
        case "delay":
            await asyncio.sleep(argument / 1000)
            await exchange.respond(b"")
        case "status":
            await exchange.respond(b"", argument)
        case "dns-query":
            await exchange.respond(await exchange.resolution())
        case "refuse":
            await exchange.respond(b"too large", 413)
        case _:
            await exchange.respond(b"not here", 404)


async def parrot(receive: Receive, send: Send) -> None:
    """Speaks WebSocket, repeating every message."""
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.send", "bytes": message.get("bytes")})


class Exchange:
    """One request and its response."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def body_parts(self) -> collections.abc.AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            part = message.get("body", b"")
            assert isinstance(part, bytes)
            yield part
            more = bool(message.get("more_body", False))

    async def description(self) -> bytes:
        body = b"".join([part async for part in self.body_parts()])
        query, headers = self._scope["query_string"], self._scope["headers"]
        assert isinstance(query, bytes)
        assert isinstance(headers, list)
        facts = {
            "method": self._scope["method"],
            "path": self._scope["path"],
            "query": query.decode(),
            "headers": [[name.decode(), value.decode()] for name, value in headers],
            "body": body.decode("latin-1"),
        }
        return json.dumps(facts).encode()

    async def digest(self) -> bytes:
        length, digest = 0, hashlib.sha256()
        async for part in self.body_parts():
            length += len(part)
            digest.update(part)
        return json.dumps({"length": length, "sha256": digest.hexdigest()}).encode()

    async def resolution(self) -> bytes:
        question = bytearray(b"".join([part async for part in self.body_parts()]))
        if not question:
            query = self._scope["query_string"]
            assert isinstance(query, bytes)
            encoded = query.removeprefix(b"dns=")
            question += base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
        # The bit that tells the two apart (RFC 1035, section 4.1.1).
        question[2] |= 0x80
        return bytes(question)

    async def mirror(self) -> None:
        await self._start(200, [])
        async for part in self.body_parts():
            await self._continue(part)
        await self._end()

    async def stream(self, count: int) -> None:
        await self._start(200, [])
        for _ in range(count):
            await self._continue(b"y" * 1000)
        await self._end()

    async def respond(self, body: bytes, status: int = 200) -> None:
        await self._start(status, [(b"content-length", str(len(body)).encode())])
        await self._continue(body)
        await self._end()

    async def _start(self, status: int, headers: Headers) -> None:
        start: Message = {"type": "http.response.start", "status": status}
        await self._send(start | {"headers": headers})

    async def _continue(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
