"""Connections of any class, which an overridden `create_connection` returns."""

import collections.abc
import gc

import pytest
from driving import (
    URL_A,
    URL_B,
    Background,
    Driver,
    PoolClient,
    plain_context,
    reply,
)
from foreign import AsyncNoting, AsyncWrapped, Noting, Wrapped, body_of, wrapping
from http2_peer import MOST_STREAMS, begin, serve
from script_steps import End, Give, Meanwhile, TakeRequest
from scripted import Network

from httpcore_interface import (
    ConnectError,
    ConnectionNotAvailable,
    PoolTimeout,
    ReadError,
    RemoteProtocolError,
)
from httpcore_pool import (
    AsyncHTTPConnection,
    HTTPConnection,
    Origin,
    Request,
    Response,
)

Default = collections.abc.Callable[[Origin], object]
Made = list[Wrapped | AsyncWrapped]
UNFINISHED = reply(b"0123456789")[:-5]


def fail(*_: object) -> None:
    """A hook that raises."""
    raise ZeroDivisionError


def test_connection_of_any_class_is_used_and_used_again(
    driver: Driver, network: Network
) -> None:
    made: Made = []
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(create=wrapping(made))
    assert pool.request("GET", URL_A + "1").body == b"/1"
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert pool.face.connections == made
    assert [request.url.target for request in made[0].sent] == [b"/1", b"/2"]
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 1 idle"
    assert pool.face.stats().reused == 1
    pool.close()
    assert made[0].closes == 1


def test_response_is_as_the_connection_made_it(driver: Driver, network: Network) -> None:
    network.answer(reply(b"body", (b"X-One", b"1"), status=b"404 Not Found"))
    response = driver.pool(create=wrapping()).request("GET", URL_A)
    assert response.status == 404
    assert (b"X-One", b"1") in response.headers
    assert response.extension("reason_phrase") == b"Not Found"


@pytest.mark.parametrize("end", ["read", "close", "abandon"])
def test_place_is_held_until_the_response_has_ended(
    driver: Driver, network: Network, end: str
) -> None:
    network.answer(reply(b"0123456789") if end == "read" else UNFINISHED)
    network.answer(reply(b"second"))
    made: Made = []
    pool = driver.pool(create=wrapping(made), max_connections=1)
    response = pool.open("GET")
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_B, extensions={"timeout": {"pool": 0.0}})
    if end == "read":
        assert response.read() == b"0123456789"
    elif end == "close":
        response.close()
        response.close()
    else:
        del response
        gc.collect()
    assert pool.is_quiet
    assert pool.face.stats().idle == (end == "read")
    # Whoever comes next closes what was abandoned.
    assert pool.request("GET", URL_B).body == b"second"
    assert made[0].closes == 1
    assert len(made) == 2


def test_closed_response_cannot_be_read(driver: Driver, network: Network) -> None:
    network.answer(UNFINISHED)
    response = driver.pool(create=wrapping()).open("GET")
    assert response.next_chunk() == b"01234"
    response.close()
    with pytest.raises(RuntimeError, match="closed before its body had been read"):
        response.next_chunk()


def test_response_that_failed_says_so_again(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(UNFINISHED), End())
    pool = driver.pool(create=wrapping())
    response = pool.open("GET")
    with pytest.raises(RemoteProtocolError, match="received 5 bytes, expected 10"):
        response.read()
    assert pool.is_quiet
    assert pool.face.connections == []
    with pytest.raises(ReadError, match="could not be read to its end"):
        response.next_chunk()


@pytest.mark.parametrize(
    "answers",
    [{"is_closed": True}, {"has_expired": True}, {"is_available": False}],
    ids=lambda answers: next(iter(answers)),
)
def test_connection_is_asked_before_it_is_used_again(
    driver: Driver, network: Network, answers: dict[str, bool | Exception]
) -> None:
    made: Made = []
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(create=wrapping(made), max_connections=1)
    pool.request("GET", URL_A)
    made[0].answers = answers
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert len(made) == 2
    assert made[0].closes == 1
    assert len(made[0].sent) == 1


@pytest.mark.parametrize(
    "answers",
    [
        {"is_closed": True},
        {"has_expired": True},
        {"is_available": False, "is_idle": False},
    ],
    ids=lambda answers: next(iter(answers)),
)
def test_connection_is_asked_when_it_is_given_back(
    driver: Driver, network: Network, answers: dict[str, bool | Exception]
) -> None:
    made: Made = []
    network.answer(reply(b"body"))
    pool = driver.pool(create=wrapping(made))
    response = pool.open("GET")
    made[0].answers = answers
    assert response.read() == b"body"
    assert pool.face.connections == []
    assert made[0].closes == 1


def test_question_that_fails_is_heard_and_leaks_nothing(
    driver: Driver, network: Network
) -> None:
    made: Made = []
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(create=wrapping(made), max_connections=1)
    for moment in ("given back", "taken"):
        if moment == "taken":
            pool.request("GET", URL_A)
            made[-1].answers = {"is_closed": ZeroDivisionError("taken")}
        else:
            response = pool.open("GET")
            made[-1].answers = {"is_closed": ZeroDivisionError("given back")}
        with pytest.raises(ZeroDivisionError, match=moment):
            pool.request("GET", URL_A) if moment == "taken" else response.read()
        assert pool.is_quiet
        assert pool.face.connections == []
        assert made[-1].closes == 1
        made[-1].answers = {}
    assert pool.request("GET", URL_A + "3").body == b"/3"


@pytest.mark.parametrize("error", [ConnectError, ZeroDivisionError, KeyboardInterrupt])
def test_request_that_fails_gives_its_place_back(
    driver: Driver, network: Network, error: type[BaseException]
) -> None:
    made: Made = []
    failing = [error("no")]

    def before(request: Request) -> None:
        if failing:
            raise failing.pop()

    network.answer(reply(b"fine"))
    pool = driver.pool(create=wrapping(made, before), max_connections=1)
    with pytest.raises(error, match="no"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []
    assert made[0].closes == 1
    assert pool.request("GET", URL_A).body == b"fine"


def test_connection_that_survived_a_failure_is_kept(driver: Driver, network: Network) -> None:
    made: Made = []
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(create=wrapping(made))
    pool.request("GET", URL_A)
    made[0].before = fail
    with pytest.raises(ZeroDivisionError):
        pool.request("GET", URL_A)
    assert pool.face.connections == made
    assert made[0].closes == 0


def test_request_that_is_refused_goes_over_another_connection(
    driver: Driver, network: Network
) -> None:
    made: Made = []

    def before(request: Request) -> None:
        if len(made) == 1:
            raise ConnectionNotAvailable("busy")

    network.serve(lambda request: reply(request.body))
    pool = driver.pool(create=wrapping(made, before), max_connections=1)
    # Nothing was sent, so it may be anything.
    assert pool.request("POST", URL_A, content=b"once").body == b"once"
    assert [len(connection.sent) for connection in made] == [1, 1]
    assert made[0].closes == 1


def test_request_that_every_connection_refuses_comes_to_an_end(
    driver: Driver, network: Network
) -> None:
    made: Made = []

    def before(request: Request) -> None:
        # Whatever it says of itself.
        made[-1].answers.update(IDLE)
        raise ConnectionNotAvailable("never")

    pool = driver.pool(create=wrapping(made, before), max_connections=1)
    with pytest.raises(ConnectionNotAvailable, match="never"):
        pool.request("GET", URL_A)
    assert len(made) == 11
    assert pool.is_quiet
    assert pool.face.connections == []


def test_waiting_request_is_given_what_is_given_back(driver: Driver, network: Network) -> None:
    made: Made = []
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(create=wrapping(made), max_connections=1)
    response = pool.open("GET")
    waiting = Background(lambda: pool.request("GET", URL_A).body, network.notice)
    network.until(lambda: network.waiting == 1)
    assert response.read() == b"first"
    assert waiting.result() == b"second"
    assert len(made) == 1


# -- bodies --------------------------------------------------------------------------


BUSY: dict[str, bool | Exception] = {
    "is_available": False,
    "is_idle": False,
    "is_closed": False,
}
IDLE = dict.fromkeys(BUSY, True) | {"is_closed": False}


def noted(
    driver: Driver, network: Network, parts: list[bytes | BaseException]
) -> tuple[PoolClient, list[str]]:
    """A pool of connections that are busy until their responses are closed."""
    made: Made = []
    closes: list[str] = []

    def at_close() -> None:
        closes.append("closed")
        made[-1].answers.update(IDLE)

    def after(response: Response) -> Response:
        made[-1].answers.update(BUSY)
        body = body_of(driver, Noting(parts, at_close))
        return Response(response.status, content=body)

    network.serve(lambda request: reply())
    return driver.pool(create=wrapping(made, after=after), max_connections=1), closes


def test_body_is_closed_at_its_end_before_the_connection_is_asked(
    driver: Driver, network: Network
) -> None:
    pool, closes = noted(driver, network, [b"one", b"", b"two"])
    response = pool.open("GET")
    assert [response.next_chunk() for _ in range(3)] == [b"one", b"two", None]
    assert response.next_chunk() is None
    assert closes == ["closed"]
    assert pool.face.stats().idle == 1


def test_body_is_closed_with_the_response(driver: Driver, network: Network) -> None:
    pool, closes = noted(driver, network, [b"one", b"two"])
    response = pool.open("GET")
    assert response.next_chunk() == b"one"
    assert closes == []
    response.close()
    assert closes == ["closed"]
    assert pool.face.stats().idle == 1


@pytest.mark.parametrize("error", [ReadError, KeyboardInterrupt])
def test_body_that_fails_is_closed(
    driver: Driver, network: Network, error: type[BaseException]
) -> None:
    pool, closes = noted(driver, network, [b"one", error("broken")])
    with pytest.raises(error, match="broken"):
        pool.request("GET", URL_A)
    assert closes == ["closed"]
    assert pool.is_quiet


def test_body_whose_close_fails_leaks_nothing(driver: Driver, network: Network) -> None:
    def after(response: Response) -> Response:
        body = Noting([b"one"], fail)
        return Response(response.status, content=body_of(driver, body))

    made: Made = []
    network.serve(lambda request: reply())
    pool = driver.pool(create=wrapping(made, after=after))
    with pytest.raises(ZeroDivisionError):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []
    assert made[0].closes == 1


def test_body_of_the_other_colour_is_refused(driver: Driver, network: Network) -> None:
    class Wrong(Response):
        """Of no colour that this pool could read."""

        def __init__(self) -> None:
            super().__init__(200)
            body = Noting([b""], lambda: None)
            self.stream = AsyncNoting(body) if driver.prefix == "" else body

    network.serve(lambda request: reply())
    pool = driver.pool(create=wrapping(after=lambda response: Wrong()))
    with pytest.raises(TypeError, match="whose body is the"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []


def test_response_that_was_read_already_is_read_again(driver: Driver, network: Network) -> None:
    def after(response: Response) -> Response:
        mine = Response(200, content=b"read")
        mine.read()
        mine.stream = iter(())
        return mine

    network.serve(lambda request: reply())
    pool = driver.pool(create=wrapping(after=after))
    assert pool.request("GET", URL_A).body == b"read"


# -- several requests at once --------------------------------------------------------


def sharing(driver: Driver, made: Made) -> PoolClient:
    """A pool of one wrapped connection, which speaks HTTP/2."""
    return driver.pool(create=wrapping(made), http1=False, http2=True, max_connections=1)


def test_connection_that_stays_available_carries_many_requests(
    driver: Driver, network: Network
) -> None:
    made: Made = []
    peers = serve(network)
    pool = sharing(driver, made)
    threads = [begin(pool, str(number)) for number in range(20)]
    calls = peers.until_called(20)
    assert len(made) == 1
    for call in calls:
        peers[0].respond(call, call.path)
    assert sorted(thread.result() for thread in threads) == sorted(c.path for c in calls)
    assert pool.is_quiet
    assert pool.face.stats().idle == 1


def test_connection_that_is_full_is_given_no_more(driver: Driver, network: Network) -> None:
    made: Made = []
    peers = serve(network, settings={MOST_STREAMS: 2})
    pool = sharing(driver, made)
    # Once it is answered, the server's limit is known.
    first = begin(pool, "first")
    [call] = peers.until_called(1)
    peers[0].respond(call, b"first")
    assert first.result() == b"first"
    threads = [begin(pool, str(number)) for number in range(5)]
    done = 1
    while done < 6:
        for call in peers.until_called(done + 1)[done:]:
            peers.answer(call, call.path)
            done += 1
    assert sorted(thread.result() for thread in threads) == [
        b"/%d" % number for number in range(5)
    ]
    assert pool.is_quiet
    assert len(made) == 1


def test_failure_of_one_request_leaves_the_others_their_connection(
    driver: Driver, network: Network
) -> None:
    made: Made = []
    peers = serve(network)
    pool = sharing(driver, made)
    staying = begin(pool, "staying")
    peers.until_called(1)
    failing = begin(pool, "failing")
    failed, stayed = sorted(peers.until_called(2), key=lambda call: call.path)
    peers[0].reset(failed)
    with pytest.raises(RemoteProtocolError):
        failing.result()
    assert made[0].closes == 0
    peers[0].respond(stayed, b"stayed")
    assert staying.result() == b"stayed"
    assert pool.is_quiet


# -- what create_connection may do -----------------------------------------------------


def test_options_are_at_hand_while_a_connection_is_made(
    driver: Driver, network: Network
) -> None:
    seen: list[object] = []
    context = plain_context()

    def create(default: Default, origin: Origin) -> object:
        face = pool.face
        seen.extend((face._ssl_context, face._keepalive_expiry, face._http1, face._http2))
        seen.append(face._network_backend is backend)
        return default(origin)

    network.answer(reply())
    pool = driver.pool(create=create, ssl_context=context, keepalive_expiry=5.0, http2=True)
    backend = pool.face._network_backend
    pool.request("GET", URL_A)
    assert seen == [context, 5.0, True, True, True]


def test_subclass_of_a_connection_has_its_say(driver: Driver, network: Network) -> None:
    handled: list[bytes] = []

    class Mine(HTTPConnection):
        def handle_request(self, request: Request) -> Response:
            handled.append(request.url.target)
            return super().handle_request(request)

    class AsyncMine(AsyncHTTPConnection):
        async def handle_async_request(self, request: Request) -> Response:
            handled.append(request.url.target)
            return await super().handle_async_request(request)

    def create(default: Default, origin: Origin) -> object:
        backend = pool.face._network_backend
        if driver.prefix == "":
            return Mine(origin, network_backend=backend)  # type: ignore[arg-type]  # its colour
        return AsyncMine(origin, network_backend=backend)  # type: ignore[arg-type]  # likewise

    network.serve(lambda request: reply(request.target))
    pool = driver.pool(create=create)
    assert pool.request("GET", URL_A + "1").body == b"/1"
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert handled == [b"/1", b"/2"]
    assert len(pool.face.connections) == 1


def test_method_that_was_put_on_one_connection_has_its_say(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes: list[str] = []
    name = "close" if driver.prefix == "" else "aclose"

    def create(default: Default, origin: Origin) -> object:
        connection = default(origin)
        close = getattr(connection, name)

        def noting() -> object:
            closes.append(name)
            return close()

        setattr(connection, name, noting)
        return connection

    network.answer(reply())
    pool = driver.pool(create=create)
    pool.request("GET", URL_A)
    pool.close()
    assert closes == [name]


def test_pool_that_closes_ends_what_its_connections_do(
    driver: Driver, network: Network
) -> None:
    made: Made = []
    pool = driver.pool(create=wrapping(made))
    network.play(TakeRequest(), Meanwhile(pool.close))
    with pytest.raises(ReadError, match="closed while a request used it"):
        pool.request("GET", URL_A)
    assert made[0].closes == 1
    assert pool.face.connections == []
