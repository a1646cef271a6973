"""The end of a pool: of its connections, and of whoever uses or waits for them."""

import collections.abc
import threading

import pytest
from driving import (
    URL_A,
    URL_B,
    URL_TLS,
    Background,
    Driver,
    PoolClient,
    Reply,
    head,
    plain_context,
    reply,
)
from script_steps import (
    Dial,
    Give,
    Hang,
    Meanwhile,
    MeanwhileWriting,
    Record,
    Shake,
    TakeHead,
    TakeRequest,
)
from scripted import PATIENCE, Network
from scripted_backend import ScriptedBackend, ScriptedStream

from httpcore_interface import (
    SOCKET_OPTION,
    ConnectError,
    NetworkError,
    ReadError,
    WriteError,
)
from httpcore_pool import ConnectionPool, _bridge

CLOSED = "the connection pool is closed"


class Late:
    """Closes a pool that is made after the script that says when."""

    def __init__(self) -> None:
        self.pool: PoolClient | None = None

    def __call__(self) -> None:
        assert self.pool is not None
        self.pool.close()


@pytest.fixture
def closing(driver: Driver) -> collections.abc.Iterator[Late]:
    late = Late()
    late.pool = driver.pool(ssl_context=plain_context(), max_connections=1, retries=3)
    yield late
    stats = late.pool.face.stats()
    assert late.pool.is_quiet
    assert stats.idle == 0
    assert late.pool.face.connections == []


@pytest.fixture
def pool(closing: Late) -> PoolClient:
    assert closing.pool is not None
    return closing.pool


def test_idle_connections_are_closed(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    pool.request("GET", URL_A)
    pool.request("GET", URL_B)
    pool.close()
    assert not network.open_connections
    assert pool.face.connections == []
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"


def test_closed_pool_takes_no_requests(driver: Driver, network: Network) -> None:
    pool = driver.pool()
    pool.close()
    with pytest.raises(RuntimeError, match=CLOSED):
        pool.request("GET", URL_A)
    with pytest.raises(RuntimeError, match=CLOSED), pool.stream("GET", URL_A):
        raise AssertionError
    assert network.operations == []


def test_closing_again_does_nothing(driver: Driver, network: Network) -> None:
    network.answer(reply())
    pool = driver.pool()
    pool.request("GET", URL_A)
    pool.close()
    pool.close()
    assert network.operations.count("close") == 1


def test_block_closes_the_pool_and_the_next_one_opens_it(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    for _ in range(2):
        with pool:
            assert pool.request("GET", URL_A).status == 200
        with pytest.raises(RuntimeError, match=CLOSED):
            pool.request("GET", URL_A)
    assert [connection.is_open for connection in network.connections] == [False, False]


def test_block_that_fails_closes_too(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]))
    pool = driver.pool()
    with pytest.raises(ZeroDivisionError), pool:
        assert pool.open("GET").status // 0
    assert not network.open_connections


def test_pool_is_usable_without_a_block(driver: Driver, network: Network) -> None:
    network.answer(reply(b"fine"))
    assert driver.pool().request("GET", URL_A).body == b"fine"


# -- what is under way -------------------------------------------------------------------


def test_read_of_a_head_ends(pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(TakeRequest(), Meanwhile(closing))
    with pytest.raises(ReadError, match="closed while a request used it") as caught:
        pool.request("GET", URL_A)
    assert isinstance(caught.value.__cause__, ReadError)


def test_read_of_a_head_on_a_reused_connection_ends_likewise(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.play(TakeRequest(), Give(reply()), TakeRequest(), Meanwhile(closing))
    pool.request("GET", URL_A)
    with pytest.raises(ReadError, match="closed while a request used it"):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1


def test_read_of_a_body_ends(pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]), Meanwhile(closing))
    response = pool.open("GET")
    with pytest.raises(ReadError, match="closed while a request used it"):
        response.read()
    response.close()


def test_write_ends(pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(MeanwhileWriting(closing))
    with pytest.raises((ReadError, WriteError), match="closed while a request used it"):
        pool.request("POST", URL_A, content=b"body")


def test_upload_ends(driver: Driver, pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(TakeHead(), MeanwhileWriting(closing))
    with pytest.raises((ReadError, WriteError), match="closed while a request used it"):
        pool.request("POST", URL_A, content=driver.body([b"part"] * 5))


def test_response_that_is_closed_from_elsewhere_ends_once(
    driver: Driver, network: Network
) -> None:
    replies: list[Reply] = []
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]), Meanwhile(lambda: replies[0].close()))
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    replies.append(pool.open("GET"))
    with pytest.raises(ReadError):
        replies[0].read()
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    assert pool.request("GET", URL_A).body == b"second"
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 1 idle"


def test_response_that_is_read_afterwards_fails(pool: PoolClient, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]))
    response = pool.open("GET")
    pool.close()
    with pytest.raises(ReadError):
        response.read()


def test_response_that_had_come_whole_can_be_read_afterwards(
    pool: PoolClient, network: Network
) -> None:
    network.answer(reply(b"abc"))
    response = pool.open("GET")
    pool.close()
    assert response.read() == b"abc"
    assert pool.is_quiet


def test_closing_a_response_afterwards_is_fine(pool: PoolClient, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]))
    response = pool.open("GET")
    pool.close()
    response.close()


def test_response_of_a_former_life_is_nobodys_business(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]))
    network.answer(reply(b"fine"), reply(b"again"))
    pool = driver.pool(max_connections=1)
    response = pool.open("GET")
    with pool:
        pool.close()
    with pool:
        assert pool.request("GET", URL_A).body == b"fine"
        response.close()
        assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 1 idle"
        assert pool.request("GET", URL_A).body == b"again"


def test_blocked_read_of_another_thread_ends_at_once(
    pool: PoolClient, network: Network
) -> None:
    network.play(TakeRequest(), Give(head(b"102 Processing")), Hang())
    network.connections.clear()
    thread = Background(lambda: pool.request("GET", URL_A))
    network.until_connected(1)
    network.connections[0].until_hanging()
    pool.close()
    with pytest.raises(ReadError, match="closed while a request used it"):
        thread.result()


# -- who waits ---------------------------------------------------------------------------


def test_waiting_requests_end_at_once(pool: PoolClient, network: Network) -> None:
    network.answer(reply(b"first"))
    first = pool.open("GET")
    threads = []
    for count in (1, 2, 3):
        threads.append(Background(lambda: pool.request("GET", URL_A)))
        network.until_waiting(count)
    pool.close()
    for thread in threads:
        with pytest.raises(ConnectError, match="pool was closed while the request waited"):
            thread.result()
    assert first.read() == b"first"
    assert len(network.connections) == 1


def test_waiting_requests_stay_ended_when_the_pool_opens_again(
    pool: PoolClient, network: Network
) -> None:
    network.answer(reply(b"first"))
    first = pool.open("GET")
    thread = Background(lambda: pool.request("GET", URL_A))
    network.until_waiting(1)
    pool.close()
    with pool:
        with pytest.raises(ConnectError, match="pool was closed"):
            thread.result()
        network.answer(reply(b"fine"))
        assert pool.request("GET", URL_A).body == b"fine"
    first.close()


# -- who is dialling -----------------------------------------------------------------------


def test_dial_that_ends_too_late_leaves_no_connection(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.play(Dial(meanwhile=closing))
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_A)
    # Async code that connects is interrupted, and makes none.
    assert [connection.written for connection in network.connections] in ([], [[]])
    assert not network.open_connections


def test_failed_dial_is_not_repeated_for_a_closed_pool(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.play(Dial(meanwhile=closing, error=ConnectError("refused")))
    with pytest.raises(ConnectError):
        pool.request("GET", URL_A)
    assert network.sleeps == []


def test_pause_before_the_next_dial_is_the_last(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.play(Dial(error=ConnectError("refused")))
    network.while_sleeping = closing
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_A)
    assert network.operations.count("connect_tcp") == 1


def test_handshake_ends(pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(Shake(meanwhile=closing))
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_TLS)
    # Interrupted, not waited for.
    assert network.operations.count("start_tls") == 1
    assert not network.open_connections


def test_handshake_is_not_begun(pool: PoolClient, network: Network, closing: Late) -> None:
    network.play(Dial(meanwhile=closing))
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_TLS)
    assert "start_tls" not in network.operations
    assert not network.open_connections


class Interruptible(ScriptedBackend):
    """A backend whose connects block until they are interrupted, as real ones do."""

    def __init__(self, network: Network, deaf_for: int = 0) -> None:
        super().__init__(network)
        self.begun = threading.Event()
        self.interrupted = threading.Event()
        self.asked: list[int] = []
        self._deaf_for = deaf_for

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> ScriptedStream:
        self.begun.set()
        assert self.interrupted.wait(PATIENCE)
        raise ConnectError("interrupted")

    def interrupt_connect(self, thread: int) -> bool:
        self.asked.append(thread)
        if len(self.asked) <= self._deaf_for:
            return False
        self.interrupted.set()
        return True


@pytest.mark.colours("blocking", reason="a connect of async code runs to its own end")
@pytest.mark.parametrize("deaf_for", [0, 3], ids=["at-once", "later"])
def test_connect_of_another_thread_ends_at_once(
    pool: PoolClient, network: Network, deaf_for: int
) -> None:
    backend = Interruptible(network, deaf_for)
    assert isinstance(pool.face, ConnectionPool)
    pool.face._network_backend = backend
    thread = Background(lambda: pool.request("GET", URL_A))
    assert backend.begun.wait(PATIENCE)
    pool.close()
    with pytest.raises(ConnectError, match="closed while"):
        thread.result()
    assert len(backend.asked) == deaf_for + 1
    assert set(backend.asked) == {thread.ident}


def test_connect_that_was_interrupted_before_it_began_does_not_begin(
    network: Network,
) -> None:
    backend = _bridge.BlockingBackend(ScriptedBackend(network))
    backend.interrupt_connect()
    with pytest.raises(ConnectError, match="interrupted before it began"):
        _bridge.run(backend.connect_tcp("example.test", 80))
    assert network.operations == []


def test_dial_of_a_former_life_is_nobodys_business(pool: PoolClient, network: Network) -> None:
    reopened = threading.Event()

    def reopen() -> None:
        pool.close()
        pool.__enter__()
        reopened.set()

    network.play(Dial(meanwhile=reopen))
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_A)
    # Async code that connects is interrupted, and is here first.
    assert reopened.wait(PATIENCE)
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    network.answer(reply(b"fine"))
    assert pool.request("GET", URL_A).body == b"fine"
    pool.close()


# -- who has a connection, and has not begun ---------------------------------------------


no_task_comes_between = pytest.mark.colours(
    "blocking", reason="tasks take turns where they wait: none comes between look and send"
)


@no_task_comes_between
@pytest.mark.parametrize("url", [URL_A, URL_TLS])
def test_request_that_is_about_to_begin_ends(
    pool: PoolClient, network: Network, closing: Late, url: str
) -> None:
    network.answer(reply())
    pool.request("GET", url)
    # The pool is closed while the request looks whether its connection is alive.
    network.connections[0].after_look = closing
    with pytest.raises(NetworkError, match="closed while"):
        pool.request("GET", url)
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    assert len(network.connections) == 1


def test_request_that_looks_more_closely_ends(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    """Under TLS what is readable may be nothing, which takes a read to find out."""
    network.play(TakeRequest(), Give(reply()), Record(), Meanwhile(closing))
    pool.request("GET", URL_TLS)
    with pytest.raises(NetworkError, match="closed while"):
        pool.request("GET", URL_TLS)
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    assert len(network.connections) == 1


@no_task_comes_between
def test_pool_is_whole_after_such_a_request(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.answer(reply())
    pool.request("GET", URL_A)
    network.connections[0].after_look = closing
    with pytest.raises(NetworkError):
        pool.request("GET", URL_A)
    with pool:
        network.answer(reply(b"fine"), reply(b"again"))
        assert pool.request("GET", URL_A).body == b"fine"
        assert pool.request("GET", URL_A).body == b"again"


@pytest.mark.parametrize("answer", [reply(b"abc"), reply(b"abc")[:-1]], ids=["reuse", "dial"])
def test_request_that_has_just_been_given_its_place_ends(
    pool: PoolClient, network: Network, closing: Late, answer: bytes
) -> None:
    network.answer(answer)
    first = pool.open("GET")

    def give_and_close() -> None:
        first.close()
        closing()

    network.while_waiting(give_and_close)
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1


def test_request_that_connects_anew_ends(
    pool: PoolClient, network: Network, closing: Late
) -> None:
    network.answer(reply())
    pool.request("GET", URL_A)
    network.connections[0].outbox.append(b"")
    network.play(Dial(meanwhile=closing))
    with pytest.raises(ConnectError, match="closed while"):
        pool.request("GET", URL_A)
    assert not network.open_connections


def test_idle_connection_that_the_user_closed_is_replaced(
    driver: Driver, network: Network
) -> None:
    network.answer(reply())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    pool.request("GET", URL_A)
    [connection] = pool.face.connections
    driver.shut(connection)
    assert pool.request("POST", URL_A, content=b"body").body == b"fresh"
    assert len(pool.face.connections) == 1


def test_backend_whose_close_fails_does_not_keep_the_others_open(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    pool.request("GET", URL_A)
    pool.request("GET", URL_B)
    first, second = network.connections
    first.close_error = OSError("close failed")
    pool.close()
    assert not first.is_open
    assert not second.is_open


def test_interrupted_close_closes_all(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    pool.request("GET", URL_A)
    pool.request("GET", URL_B)
    first, second = network.connections
    first.close_error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pool.close()
    assert not second.is_open
    assert pool.is_quiet


@no_task_comes_between
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_is_closed_right_after_the_look_is_replaced(
    driver: Driver, network: Network, method: str
) -> None:
    network.answer(reply())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    pool.request("GET", URL_A)
    [connection] = pool.face.connections
    network.connections[0].after_look = lambda: driver.shut(connection)
    assert pool.request(method, URL_A).body == b"fresh"
    # It was not sent before, so this was no second time.
    assert pool.face.stats().retried == 0
    assert network.open_connections == [network.connections[1]]


def test_pool_that_was_never_used_needs_no_backend() -> None:
    with ConnectionPool() as pool:
        assert pool.connections == []
