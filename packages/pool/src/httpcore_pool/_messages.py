"""Requests and responses, as users make and see them.

Values, as in 1.x: they can be changed, and pickled. Nothing here waits, except
for what the stream of a response does when it is iterated.
"""

import collections.abc
import typing

from ._byte_stream import ByteStream
from ._url import URL, to_bytes

Fields = list[tuple[bytes, bytes]]
# What an extension holds is between whoever puts it there and whoever reads it.
Extensions = collections.abc.MutableMapping[str, typing.Any]  # type: ignore[explicit-any]

HeaderTypes = (
    collections.abc.Mapping[bytes, bytes]
    | collections.abc.Mapping[str, str]
    | collections.abc.Iterable[tuple[bytes, bytes]]
    | collections.abc.Iterable[tuple[str, str]]
)
Content = bytes | collections.abc.Iterable[bytes] | collections.abc.AsyncIterable[bytes]
BodyStream = collections.abc.Iterable[bytes] | collections.abc.AsyncIterable[bytes]
ReadAll = collections.abc.Callable[[], bytes]
AsyncReadAll = collections.abc.Callable[[], collections.abc.Awaitable[bytes]]


def to_fields(headers: HeaderTypes | None) -> Fields:
    """Returns fields as they are sent: (name, value) pairs of bytes.

    Raises:
        TypeError: They are no mapping and no pairs, or not of bytes or ASCII strings.
    """
    if headers is None:
        return []
    pairs: collections.abc.Iterable[tuple[bytes | str, bytes | str]]
    if type(headers) is list:
        pairs = headers
    elif isinstance(headers, collections.abc.Mapping):
        pairs = headers.items()
    elif hasattr(headers, "__iter__") and not isinstance(headers, bytes | str):
        pairs = headers
    else:
        raise TypeError(
            "headers must be a mapping or sequence of two-tuples, "
            f"but got {type(headers).__name__}."
        )
    return [
        (
            name if type(name) is bytes else to_bytes(name, "header name"),
            value if type(value) is bytes else to_bytes(value, "header value"),
        )
        for name, value in pairs
    ]


def _to_stream(content: Content) -> BodyStream:
    if isinstance(content, bytes | bytearray | memoryview):
        return ByteStream(bytes(content))
    is_iterable = hasattr(content, "__iter__") or hasattr(content, "__aiter__")
    if isinstance(content, str) or not is_iterable:
        raise TypeError(
            f"content must be bytes or an iterable of bytes, but got {type(content).__name__}."
        )
    return content


def _to_url(url: bytes | str) -> URL:
    if not isinstance(url, bytes | str):
        raise TypeError(f"url must be a URL, bytes, or str, but got {type(url).__name__}.")
    return URL(url)


class Request:
    """One HTTP request.

    Args:
        method: Such as `"GET"`; sent as it stands.
        url: Where it goes.
        headers: A mapping, or (name, value) pairs; sent as they stand, nothing is
            added. Strings must be ASCII.
        content: The body: bytes, or an iterable of bytes of the pool's colour.
        extensions: `timeout` (a dict of seconds: connect, read, write, pool, and
            total for all of the exchange), `trace` (a callable), `sni_hostname`,
            `target` (the request target, in place of the URL's), `protocol` (of a
            CONNECT over HTTP/2 that asks for a protocol, RFC 8441: `b"websocket"`).

    Attributes:
        stream: The body, as an iterable of bytes; may be replaced.

    Raises:
        TypeError: An argument has the wrong type, or is a string that is not ASCII.
        ValueError: The URL cannot be taken apart.
    """

    def __init__(
        self,
        method: bytes | str,
        url: URL | bytes | str,
        *,
        headers: HeaderTypes | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> None:
        self.method = method if type(method) is bytes else to_bytes(method, "method")
        self.url = url if isinstance(url, URL) else _to_url(url)
        self.headers = to_fields(headers)
        self.stream = ByteStream(b"") if content is None else _to_stream(content)
        self.extensions: Extensions = {} if extensions is None else extensions
        if extensions is not None and "target" in extensions:
            self.url = URL(
                scheme=self.url.scheme,
                host=self.url.host,
                port=self.url.port,
                target=self.extensions["target"],
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.method!r}]>"


def build_request(
    method: bytes | str,
    url: URL | bytes | str,
    headers: HeaderTypes | None,
    content: Content | None,
    extensions: Extensions | None,
) -> Request:
    """Makes a request, and adds the fields that nobody can do without.

    `Host` first; behind the caller's own, `Content-Length` or `Transfer-Encoding:
    chunked` when there is content and neither stands (RFC 9112, section 6).
    """
    request = Request(method, url, headers=headers, content=content, extensions=extensions)
    fields = request.headers
    names = [name.lower() for name, _ in fields]
    if b"host" not in names:
        fields.insert(0, (b"Host", request.url.host_field))
    if content is None or b"content-length" in names or b"transfer-encoding" in names:
        return request
    if isinstance(content, bytes | bytearray | memoryview):
        fields.append((b"Content-Length", b"%d" % len(bytes(content))))
    else:
        fields.append((b"Transfer-Encoding", b"chunked"))
    return request


class Response:
    """One HTTP response: the head, and the body as a stream.

    Args:
        status: 100 to 999.
        headers: A mapping, or (name, value) pairs.
        content: The body: bytes, or an iterable of bytes.
        extensions: `http_version` and `reason_phrase` (bytes), `network_stream`;
            once the body has been read also `trailing_headers`, where there were
            any (pairs of bytes).

    Attributes:
        stream: The body, as an iterable of bytes, as long as it has not been read; may be
            replaced.

    Raises:
        TypeError: An argument has the wrong type.
    """

    _content: bytes | None = None
    # Whether all of the stream was handed out, which comes only once.
    _is_streamed = False

    def __init__(
        self,
        status: int,
        *,
        headers: HeaderTypes | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> None:
        if not isinstance(status, int):
            raise TypeError(f"status must be an integer, but got {type(status).__name__}.")
        self.status = status
        self.headers = to_fields(headers)
        self.stream = ByteStream(b"") if content is None else _to_stream(content)
        self.extensions: Extensions = {} if extensions is None else extensions

    @classmethod
    def received(
        cls, status: int, headers: Fields, stream: BodyStream, extensions: Extensions
    ) -> "Response":
        """Makes a response of parts that are known to be right.

        Args:
            status: 100 to 999.
            headers: Pairs of bytes.
            stream: The body.
            extensions: As they are in the end.
        """
        response = cls.__new__(cls)
        response.status = status
        response.headers = headers
        response.stream = stream
        response.extensions = extensions
        return response

    @property
    def content(self) -> bytes:
        """The whole body.

        Raises:
            RuntimeError: It has not been read yet.
        """
        if self._content is None:
            raise RuntimeError(
                "The content of a streamed response is there after 'response.read()' "
                "(or 'await response.aread()') only."
            )
        return self._content

    def read(self) -> bytes:
        """Reads the whole body; the second time it is at hand already.

        Raises:
            RuntimeError: The response belongs to async code, or was iterated before.
            ReadTimeout, ReadError, RemoteProtocolError: The body did not come.
        """
        content = self._content
        if content is None:
            if self._is_streamed:
                self._raise_streamed()
            # A body of ours knows a shorter way, where all of it is here already.
            read_all: ReadAll | None = getattr(self.stream, "read_all", None)
            if read_all is None:
                content = b"".join(self._blocking_stream("read", "aread"))
            else:
                content = read_all()
            self._content = content
        return content

    def iter_stream(self) -> collections.abc.Iterator[bytes]:
        """Returns an iterator over the body, part by part as it comes.

        Raises:
            RuntimeError: The response belongs to async code, or was iterated or read to
                its end before: what comes over the network comes once.
        """
        stream = self._blocking_stream("iter_stream", "aiter_stream")
        if type(stream) is ByteStream:
            return iter(stream)
        self._check_unstreamed()
        return _Parts(self, iter(stream))

    def close(self) -> None:
        """Ends the exchange; what has not been read of the body is given up.

        Raises:
            RuntimeError: The response belongs to async code.
        """
        close = getattr(self.stream, "close", None)
        if close is not None:
            close()
        else:
            self._blocking_stream("close", "aclose")

    async def aread(self) -> bytes:
        """Reads the whole body; the second time it is at hand already.

        Raises:
            RuntimeError: The response belongs to blocking code, or was iterated before.
            ReadTimeout, ReadError, RemoteProtocolError: The body did not come.
        """
        content = self._content
        if content is None:
            if self._is_streamed:
                self._raise_streamed()
            # A body of ours knows a shorter way, where all of it is here already.
            read_all: AsyncReadAll | None = getattr(self.stream, "aread_all", None)
            if read_all is None:
                stream = self._async_stream("aread", "read")
                content = b"".join([chunk async for chunk in stream])
            else:
                content = await read_all()
            self._content = content
        return content

    def aiter_stream(self) -> collections.abc.AsyncIterator[bytes]:
        """Returns an async iterator over the body, part by part as it comes.

        Raises:
            RuntimeError: The response belongs to blocking code, or was iterated or read
                to its end before.
        """
        stream = self._async_stream("aiter_stream", "iter_stream")
        if type(stream) is ByteStream:
            return stream.__aiter__()
        self._check_unstreamed()
        return _AsyncParts(self, stream.__aiter__())

    async def aclose(self) -> None:
        """Ends the exchange; what has not been read of the body is given up.

        Raises:
            RuntimeError: The response belongs to blocking code.
        """
        aclose = getattr(self.stream, "aclose", None)
        if aclose is not None:
            await aclose()
        else:
            self._async_stream("aclose", "close")

    def _check_unstreamed(self) -> None:
        if self._is_streamed or self._content:
            self._raise_streamed()

    def _raise_streamed(self) -> typing.NoReturn:
        raise RuntimeError(
            "The body of this response was handed out before: it comes only once. "
            "What has been read whole is in 'response.content'."
        )

    def _blocking_stream(self, called: str, twin: str) -> collections.abc.Iterable[bytes]:
        stream = self.stream
        if not hasattr(stream, "__iter__"):
            raise RuntimeError(
                f"This response belongs to async code: call '{twin}', not '{called}'."
            )
        return typing.cast("collections.abc.Iterable[bytes]", stream)

    def _async_stream(self, called: str, twin: str) -> collections.abc.AsyncIterable[bytes]:
        stream = self.stream
        if not hasattr(stream, "__aiter__"):
            raise RuntimeError(
                f"This response belongs to blocking code: call '{twin}', not '{called}'."
            )
        return typing.cast("collections.abc.AsyncIterable[bytes]", stream)

    def __getstate__(self) -> dict[str, object]:
        # A body that has been read is bytes; the connection it came by stays here.
        state = dict(self.__dict__)
        if self._content is not None:
            state["stream"] = ByteStream(self._content)
            state["extensions"] = {
                name: value
                for name, value in self.extensions.items()
                if name != "network_stream"
            }
        return state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status}]>"


class _Parts:
    """The parts of a response's body, whose end is noted, unless there were none.

    An iteration that was left can be taken up again, by another or by reading the rest.
    """

    __slots__ = ("_has_given", "_parts", "_response")

    def __init__(self, response: Response, parts: collections.abc.Iterator[bytes]) -> None:
        self._response = response
        self._parts = parts
        self._has_given = False

    def __iter__(self) -> typing.Self:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            if self._has_given:
                self._response._is_streamed = True
            raise
        self._has_given = True
        return part


class _AsyncParts:
    """See `_Parts`, its twin."""

    __slots__ = ("_has_given", "_parts", "_response")

    def __init__(self, response: Response, parts: collections.abc.AsyncIterator[bytes]) -> None:
        self._response = response
        self._parts = parts
        self._has_given = False

    def __aiter__(self) -> typing.Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await self._parts.__anext__()
        except StopAsyncIteration:
            if self._has_given:
                self._response._is_streamed = True
            raise
        self._has_given = True
        return part


def unread_stream(response: Response) -> BodyStream:
    """Returns a response's body, wherever it is: as it was read, if it was."""
    content = response._content
    return response.stream if content is None else ByteStream(content)
