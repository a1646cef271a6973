"""Requests, responses and their bodies, as users hold them."""

import asyncio
import collections.abc
import pickle
import typing

import pytest

from httpcore_pool import URL, ByteStream, Request, Response
from httpcore_pool._messages import Content, HeaderTypes, build_request

Fields = list[tuple[bytes, bytes]]


class BlockingStream:
    """A body for blocking code."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.reads = 0
        self.is_closed = False

    def __iter__(self) -> collections.abc.Iterator[bytes]:
        self.reads += 1
        return iter(self.chunks)

    def close(self) -> None:
        self.is_closed = True


class AsyncStream:
    """A body for async code."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.reads = 0
        self.is_closed = False

    async def __aiter__(self) -> collections.abc.AsyncIterator[bytes]:
        self.reads += 1
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None:
        self.is_closed = True


async def collect(chunks: collections.abc.AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


# -- requests ----------------------------------------------------------------------


def test_request_holds_what_it_is_made_of() -> None:
    for request in (
        Request("GET", "https://example.com/a"),
        Request(b"GET", b"https://example.com/a"),
        Request("GET", URL("https://example.com/a")),
        Request(method="GET", url="https://example.com/a", headers=None, content=None),
    ):
        assert request.method == b"GET"
        assert request.url == URL("https://example.com/a")
        assert request.headers == []
        assert request.extensions == {}
        assert isinstance(request.stream, ByteStream)
        assert list(request.stream) == [b""]
        assert repr(request) == "<Request [b'GET']>"


def test_request_takes_options_by_name_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        Request("GET", "http://a/", [])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Response(200, [])  # type: ignore[call-arg]


def test_method_is_sent_as_it_is_spelled() -> None:
    assert Request("get", "http://a/").method == b"get"


HEADERS: list[tuple[HeaderTypes, Fields]] = [
    ([], []),
    ({}, []),
    ([(b"A", b"b"), (b"a", b"c")], [(b"A", b"b"), (b"a", b"c")]),
    ([("A", "b"), ("a", "c")], [(b"A", b"b"), (b"a", b"c")]),
    ({"A": "b", "C": "d"}, [(b"A", b"b"), (b"C", b"d")]),
    ({b"A": b"b"}, [(b"A", b"b")]),
    ((("A", "b"),), [(b"A", b"b")]),
    (iter([(b"A", b"b")]), [(b"A", b"b")]),
    ({"A": "b"}.items(), [(b"A", b"b")]),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_headers_become_pairs_of_bytes(headers: HeaderTypes, expected: Fields) -> None:
    if isinstance(headers, collections.abc.Iterator):
        headers = list(headers)
        assert Request("GET", "http://a/", headers=iter(headers)).headers == expected
    assert Request("GET", "http://a/", headers=headers).headers == expected
    assert Response(200, headers=headers).headers == expected


def test_headers_are_a_copy() -> None:
    headers = [(b"A", b"b")]
    request = Request("GET", "http://a/", headers=headers)
    request.headers.append((b"C", b"d"))
    assert headers == [(b"A", b"b")]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (1, "headers must be a mapping or sequence of two-tuples, but got int."),
        ("A: b", "headers must be a mapping or sequence of two-tuples, but got str."),
        (b"A: b", "headers must be a mapping or sequence of two-tuples, but got bytes."),
        ([(1, b"b")], "header name must be bytes or str, but got int."),
        ({"A": 1}, "header value must be bytes or str, but got int."),
        ([("A", None)], "header value must be bytes or str, but got NoneType."),
    ],
)
def test_headers_of_the_wrong_type_are_refused(headers: HeaderTypes, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        Request("GET", "http://a/", headers=headers)
    assert str(caught.value) == message
    with pytest.raises(TypeError) as caught:
        Response(200, headers=headers)
    assert str(caught.value) == message


def test_headers_are_ascii_where_they_are_strings() -> None:
    # A TypeError, as in 1.x.
    for error in (TypeError, ValueError):
        with pytest.raises(error, match="header value must be ascii") as caught:
            Request("GET", "http://a/", headers={"A": "ü"})
        assert caught.value.__cause__ is caught.value.__context__ is None
    request = Request("GET", "http://a/", headers={b"A": b"\xfc"})
    assert request.headers == [(b"A", b"\xfc")]


class Maker(typing.Protocol):
    """Takes whatever it is given."""

    def __call__(self, *arguments: object, **options: object) -> object: ...


ANYWHERE = "http://a/"


@pytest.mark.parametrize(
    ("make", "arguments", "options", "message"),
    [
        (Request, (1, ANYWHERE), {}, "method must be bytes or str, but got int."),
        (Request, (None, ANYWHERE), {}, "method must be bytes or str, but got NoneType."),
        (Request, ("GET", 1), {}, "url must be a URL, bytes, or str, but got int."),
        (Request, ("GET", None), {}, "url must be a URL, bytes, or str, but got NoneType."),
        (Request, ("GET", []), {}, "url must be a URL, bytes, or str, but got list."),
        (
            Request,
            ("GET", ANYWHERE),
            {"content": 1},
            "content must be bytes or an iterable of bytes, but got int.",
        ),
        (
            Request,
            ("GET", ANYWHERE),
            {"content": "text"},
            "content must be bytes or an iterable of bytes, but got str.",
        ),
        (
            Request,
            ("GET", ANYWHERE),
            {"extensions": {"target": 1}},
            "target must be bytes or str, but got int.",
        ),
        (Response, ("200",), {}, "status must be an integer, but got str."),
        (Response, (200.0,), {}, "status must be an integer, but got float."),
        (
            Response,
            (200,),
            {"content": "text"},
            "content must be bytes or an iterable of bytes, but got str.",
        ),
    ],
)
def test_wrong_types_are_refused(
    make: Maker,
    arguments: tuple[object, ...],
    options: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(TypeError) as caught:
        make(*arguments, **options)
    assert str(caught.value) == message


def test_url_of_a_request_may_be_empty_until_it_is_sent() -> None:
    for url in ("", b""):
        assert Request("GET", url).url == URL()


@pytest.mark.parametrize("target", ["*", b"*"])
def test_target_may_be_given_apart_from_the_url(target: str | bytes) -> None:
    url = URL("http://example.com:8080/a?b")
    request = Request("OPTIONS", url, extensions={"target": target})
    assert request.url == URL(scheme="http", host="example.com", port=8080, target="*")
    # The caller's URL is the caller's.
    assert url.target == b"/a?b"


def test_extensions_are_the_caller_s() -> None:
    extensions = {"timeout": {"read": 1.0}}
    assert Request("GET", "http://a/", extensions=extensions).extensions is extensions
    assert Response(200, extensions=extensions).extensions is extensions


def test_body_of_a_request_is_a_stream() -> None:
    stream = BlockingStream(b"a")
    assert Request("GET", "http://a/", content=stream).stream is stream
    later = AsyncStream(b"a")
    assert Request("GET", "http://a/", content=later).stream is later
    chunks = [b"a", b"b"]
    assert Request("GET", "http://a/", content=chunks).stream is chunks
    held = Request("GET", "http://a/", content=b"abc").stream
    assert isinstance(held, ByteStream)
    assert list(held) == [b"abc"]


def test_request_can_be_changed() -> None:
    request = Request("GET", "http://a/")
    request.headers.extend([(b"A", b"b")])
    request.stream = BlockingStream(b"x")
    request.url = URL("http://b/")
    request.method = b"POST"
    assert repr(request) == "<Request [b'POST']>"


def test_request_can_be_pickled() -> None:
    request = Request(
        "POST",
        "http://[::1]:80/a",
        headers={"A": "b"},
        content=b"abc",
        extensions={"timeout": {"read": 1.0}},
    )
    again = pickle.loads(pickle.dumps(request))
    assert (again.method, again.url, again.headers) == (b"POST", request.url, [(b"A", b"b")])
    assert list(again.stream) == [b"abc"]
    assert again.extensions == {"timeout": {"read": 1.0}}


# -- requests with what they need --------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com/", b"example.com"),
        ("http://EXAMPLE.com/", b"example.com"),
        ("http://example.com:80/", b"example.com"),
        ("https://example.com:443/", b"example.com"),
        ("ws://example.com:80/", b"example.com"),
        ("wss://example.com:443/", b"example.com"),
        ("https://example.com:80/", b"example.com:80"),
        ("http://example.com:443/", b"example.com:443"),
        ("http://example.com:0/", b"example.com:0"),
        ("http://user:secret@example.com:8080/", b"example.com:8080"),
        ("http://[::1]/", b"[::1]"),
        ("http://[::1]:80/", b"[::1]"),
        ("http://[::1]:8080/", b"[::1]:8080"),
        ("http://[fe80::1%25eth0]/", b"[fe80::1]"),
        ("http://[fe80::1%25eth0]:8080/", b"[fe80::1]:8080"),
        ("ftp://example.com:21/", b"example.com:21"),
    ],
)
def test_host_goes_first(url: str, host: bytes) -> None:
    request = build_request("GET", url, {"Accept": "*/*"}, None, None)
    assert request.headers == [(b"Host", host), (b"Accept", b"*/*")]


@pytest.mark.parametrize("name", ["Host", "host", "HOST", b"hOsT"])
def test_host_of_the_caller_stays(name: str | bytes) -> None:
    headers = [("Accept", "*/*"), (name, "other")]
    request = build_request(
        "GET", "http://example.com/", typing.cast("HeaderTypes", headers), None, None
    )
    spelled = name.encode() if isinstance(name, str) else name
    assert request.headers == [(b"Accept", b"*/*"), (spelled, b"other")]


def test_host_is_the_url_s_where_the_target_is_given_apart() -> None:
    request = build_request("GET", "http://a:1/", None, None, {"target": "http://b/"})
    assert request.headers == [(b"Host", b"a:1")]
    assert request.url.target == b"http://b/"


LENGTH = (b"Content-Length", b"5")
CHUNKED = (b"Transfer-Encoding", b"chunked")


@pytest.mark.parametrize(
    ("headers", "content", "added"),
    [
        ([], None, []),
        ([], b"", [(b"Content-Length", b"0")]),
        ([], b"hello", [LENGTH]),
        ([], [b"hello"], [CHUNKED]),
        ([], BlockingStream(b"hello"), [CHUNKED]),
        ([], AsyncStream(b"hello"), [CHUNKED]),
        ([], ByteStream(b"hello"), [CHUNKED]),
        ([(b"content-length", b"7")], b"hello", []),
        ([(b"CONTENT-LENGTH", b"5")], [b"hello"], []),
        ([(b"transfer-encoding", b"chunked")], b"hello", []),
        ([(b"Transfer-encoding", b"chunked")], [b"hello"], []),
        ([(b"Content-Length", b"5")], None, []),
    ],
)
def test_framing_is_added_where_there_is_content_and_none(
    headers: Fields, content: Content | None, added: Fields
) -> None:
    request = build_request("POST", "http://a/", headers, content, None)
    assert request.headers == [(b"Host", b"a"), *headers, *added]


def test_nothing_is_added_to_a_request_that_the_caller_made() -> None:
    request = Request("POST", "http://a/", content=b"hello")
    assert request.headers == []


# -- responses ---------------------------------------------------------------------


def test_response_holds_what_it_is_made_of() -> None:
    response = Response(404)
    assert response.status == 404
    assert response.headers == []
    assert response.extensions == {}
    assert isinstance(response.stream, ByteStream)
    assert repr(response) == "<Response [404]>"
    assert repr(Response.received(200, [], [], {})) == "<Response [200]>"


def test_content_is_there_when_it_has_been_read() -> None:
    stream = BlockingStream(b"a", b"", b"bc")
    response = Response(200, content=stream)
    with pytest.raises(RuntimeError, match=r"is there after 'response\.read\(\)'"):
        _ = response.content
    assert response.read() == b"abc"
    assert response.content == b"abc"
    assert response.read() == b"abc"
    assert stream.reads == 1


def test_content_is_there_when_it_has_been_read_by_async_code() -> None:
    stream = AsyncStream(b"a", b"", b"bc")
    response = Response(200, content=stream)
    with pytest.raises(RuntimeError, match=r"await response\.aread\(\)"):
        _ = response.content

    async def read_twice() -> list[bytes]:
        return [await response.aread(), await response.aread()]

    assert asyncio.run(read_twice()) == [b"abc", b"abc"]
    assert response.content == b"abc"
    assert stream.reads == 1


def test_empty_content_is_read_once_too() -> None:
    stream = BlockingStream()
    response = Response(200, content=stream)
    assert response.read() == b""
    assert response.read() == b""
    assert response.content == b""
    assert stream.reads == 1


def test_stream_that_knows_a_shorter_way_is_read_by_it() -> None:
    class ShortStream(BlockingStream):
        def read_all(self) -> bytes:
            return b"".join(self.chunks)

    stream = ShortStream(b"a", b"bc")
    response = Response(200, content=stream)
    assert response.read() == response.content == b"abc"
    assert stream.reads == 0


def test_what_came_as_bytes_can_be_read_in_either_colour() -> None:
    response = Response(200, content=b"abc")
    with pytest.raises(RuntimeError):
        _ = response.content
    assert list(response.iter_stream()) == [b"abc"]
    assert asyncio.run(collect(response.aiter_stream())) == [b"abc"]
    assert asyncio.run(response.aread()) == b"abc"
    assert response.read() == b"abc"
    response.close()
    asyncio.run(response.aclose())


def test_stream_is_handed_out_as_it_comes() -> None:
    assert list(Response(200, content=[b"a", b"b"]).iter_stream()) == [b"a", b"b"]
    chunks = Response(200, content=AsyncStream(b"a", b"b")).aiter_stream()
    assert asyncio.run(collect(chunks)) == [b"a", b"b"]


ITERATED = "was handed out before"


def test_stream_is_handed_out_once() -> None:
    response = Response(200, content=[b"a", b"b"])
    assert list(response.iter_stream()) == [b"a", b"b"]
    with pytest.raises(RuntimeError, match=ITERATED):
        response.iter_stream()
    with pytest.raises(RuntimeError, match=ITERATED):
        response.read()
    with pytest.raises(RuntimeError):
        _ = response.content
    response = Response(200, content=AsyncStream(b"a", b"b"))
    assert asyncio.run(collect(response.aiter_stream())) == [b"a", b"b"]
    with pytest.raises(RuntimeError, match=ITERATED):
        response.aiter_stream()
    with pytest.raises(RuntimeError, match=ITERATED):
        asyncio.run(response.aread())


def test_rest_of_a_stream_that_was_left_can_be_read() -> None:
    response = Response(200, content=iter([b"a", b"b", b"c"]))
    assert next(response.iter_stream()) == b"a"
    assert next(response.iter_stream()) == b"b"
    assert response.read() == b"c"


def test_empty_stream_is_empty_ever_again() -> None:
    response = Response(200, content=iter([]))
    assert list(response.iter_stream()) == list(response.iter_stream()) == []
    assert response.read() == b""
    assert list(response.iter_stream()) == []


def test_body_that_was_read_is_not_handed_out_again() -> None:
    response = Response(200, content=[b"a", b"b"])
    assert response.read() == response.read() == b"ab"
    with pytest.raises(RuntimeError, match="content"):
        response.iter_stream()
    response = Response(200, content=AsyncStream(b"a", b"b"))
    assert asyncio.run(response.aread()) == b"ab"
    with pytest.raises(RuntimeError, match="content"):
        response.aiter_stream()


def test_closing_closes_the_stream() -> None:
    stream = BlockingStream()
    Response(200, content=stream).close()
    assert stream.is_closed
    later = AsyncStream()
    asyncio.run(Response(200, content=later).aclose())
    assert later.is_closed
    # A stream that cannot be closed need not be.
    Response(200, content=[b""]).close()


def test_blocking_calls_on_an_async_response_are_refused() -> None:
    response = Response(200, content=AsyncStream(b"abc"))
    with pytest.raises(RuntimeError, match="belongs to async code: call 'aread', not 'read'"):
        response.read()
    with pytest.raises(RuntimeError, match="call 'aiter_stream', not 'iter_stream'"):
        response.iter_stream()
    with pytest.raises(RuntimeError, match="call 'aclose', not 'close'"):
        response.close()
    assert asyncio.run(response.aread()) == b"abc"


def test_async_calls_on_a_blocking_response_are_refused() -> None:
    response = Response(200, content=BlockingStream(b"abc"))
    with pytest.raises(
        RuntimeError, match="belongs to blocking code: call 'read', not 'aread'"
    ):
        asyncio.run(response.aread())
    with pytest.raises(RuntimeError, match="call 'iter_stream', not 'aiter_stream'"):
        response.aiter_stream()
    with pytest.raises(RuntimeError, match="call 'close', not 'aclose'"):
        asyncio.run(response.aclose())
    assert response.read() == b"abc"


def test_response_can_be_changed() -> None:
    response = Response(200, headers={"A": "b"}, content=b"abc")
    response.status = 404
    response.headers = [(b"C", b"d")]
    response.stream = BlockingStream(b"x")
    response.extensions["reason_phrase"] = b"Not Found"
    assert response.read() == b"x"
    assert repr(response) == "<Response [404]>"


def test_response_that_was_read_can_be_pickled() -> None:
    network_stream = open(__file__)  # noqa: SIM115 - stands for what cannot be pickled
    with network_stream:
        response = Response(
            200,
            headers={"A": "b"},
            content=BlockingStream(b"a", b"bc"),
            extensions={"network_stream": network_stream, "http_version": b"HTTP/1.1"},
        )
        response.read()
        again = pickle.loads(pickle.dumps(response))
        assert response.extensions["network_stream"] is network_stream
    assert again.status == 200
    assert again.headers == [(b"A", b"b")]
    assert again.content == again.read() == b"abc"
    assert list(again.stream) == [b"abc"]
    assert again.extensions == {"http_version": b"HTTP/1.1"}


def test_response_that_was_not_read_is_pickled_with_its_stream() -> None:
    again = pickle.loads(pickle.dumps(Response(200, content=b"abc")))
    assert again.read() == b"abc"


# -- bodies in memory --------------------------------------------------------------


def test_body_in_memory_can_be_read_any_number_of_times() -> None:
    stream = ByteStream(b"abc")
    for _ in range(2):
        assert list(stream) == [b"abc"]
        assert asyncio.run(collect(stream.__aiter__())) == [b"abc"]
    assert repr(stream) == "<ByteStream [3 bytes]>"
    assert list(pickle.loads(pickle.dumps(stream))) == [b"abc"]


def test_body_in_memory_has_both_colours() -> None:
    stream = ByteStream(b"")
    assert isinstance(stream, collections.abc.Iterable)
    assert isinstance(stream, collections.abc.AsyncIterable)
