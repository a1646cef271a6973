"""Connections of classes of one's own, in both colours, for pools to be given."""

import collections.abc

from driving import AnyConnectionInterface, Create, Driver

from httpcore_pool import (
    AsyncConnectionInterface,
    ConnectionInterface,
    Origin,
    Request,
    Response,
)

Before = collections.abc.Callable[[Request], None]
After = collections.abc.Callable[[Response], Response]


def nothing(request: Request) -> None:
    """What is done before a request is sent, if nothing is."""


def unchanged(response: Response) -> Response:
    """What becomes of a response, if nothing does."""
    return response


class Answers:
    """The answers of another connection, unless they are set.

    Args:
        inner: The other connection.
        before: Called with each request; what it raises comes out.
        after: What becomes of each response.

    Attributes:
        answers: Some of them, by the question.
        asked: The questions that were asked.
        sent: The requests that it was given.
        closes: How often it was closed.
    """

    def __init__(
        self,
        inner: AnyConnectionInterface,
        before: Before = nothing,
        after: After = unchanged,
    ) -> None:
        self.inner = inner
        self.before = before
        self.after = after
        self.answers: dict[str, bool | Exception] = {}
        self.asked: list[str] = []
        self.sent: list[Request] = []
        self.closes = 0

    def _answer(self, question: str, otherwise: bool) -> bool:
        self.asked.append(question)
        answer = self.answers.get(question, otherwise)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def is_available(self) -> bool:
        return self._answer("is_available", self.inner.is_available())

    def has_expired(self) -> bool:
        return self._answer("has_expired", self.inner.has_expired())

    def is_idle(self) -> bool:
        return self._answer("is_idle", self.inner.is_idle())

    def is_closed(self) -> bool:
        return self._answer("is_closed", self.inner.is_closed())


class Wrapped(Answers, ConnectionInterface):
    """A blocking connection around another."""

    def handle_request(self, request: Request) -> Response:
        self.sent.append(request)
        self.before(request)
        assert isinstance(self.inner, ConnectionInterface)
        return self.after(self.inner.handle_request(request))

    def close(self) -> None:
        self.closes += 1
        assert isinstance(self.inner, ConnectionInterface)
        self.inner.close()


class AsyncWrapped(Answers, AsyncConnectionInterface):
    """An async connection around another."""

    async def handle_async_request(self, request: Request) -> Response:
        self.sent.append(request)
        self.before(request)
        assert isinstance(self.inner, AsyncConnectionInterface)
        return self.after(await self.inner.handle_async_request(request))

    async def aclose(self) -> None:
        self.closes += 1
        assert isinstance(self.inner, AsyncConnectionInterface)
        await self.inner.aclose()


def wrap(
    inner: AnyConnectionInterface, before: Before = nothing, after: After = unchanged
) -> Wrapped | AsyncWrapped:
    """Puts a class of one's own around a connection."""
    if isinstance(inner, ConnectionInterface):
        return Wrapped(inner, before, after)
    return AsyncWrapped(inner, before, after)


def wrapping(
    made: list[Wrapped | AsyncWrapped] | None = None,
    before: Before = nothing,
    after: After = unchanged,
) -> Create:
    """What `create_connection` does to wrap each connection.

    Args:
        made: Where they are noted.
        before: Called with each request.
        after: What becomes of each response.
    """

    def create(
        default: collections.abc.Callable[[Origin], AnyConnectionInterface], origin: Origin
    ) -> object:
        connection = wrap(default(origin), before, after)
        if made is not None:
            made.append(connection)
        return connection

    return create


class Noting:
    """A response's body that notes when it was closed, as 1.x's own connections make.

    Args:
        parts: What it consists of; an exception among them is raised.
        at_close: Called when it is closed.
    """

    def __init__(
        self,
        parts: collections.abc.Iterable[bytes | BaseException],
        at_close: collections.abc.Callable[[], None],
    ) -> None:
        self.parts = parts
        self.close = at_close

    def __iter__(self) -> collections.abc.Iterator[bytes]:
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part


class AsyncNoting:
    """The same for async code.

    Args:
        body: The parts, and what is called at the end.
    """

    def __init__(self, body: Noting) -> None:
        self._body = body

    async def __aiter__(self) -> collections.abc.AsyncIterator[bytes]:
        for part in self._body:
            yield part

    async def aclose(self) -> None:
        self._body.close()


def body_of(driver: Driver, body: Noting) -> Noting | AsyncNoting:
    """A body of the driver's colour."""
    return body if driver.prefix == "" else AsyncNoting(body)
