"""One request's trouble on a shared connection, which is never another's."""

import collections.abc
import gc

import pytest
from driving import URL_A, Background, Driver, PoolClient
from http2_peer import CANCEL, Call, Peer, Peers, begin, echo, serve, shared_pool
from hyperframe.frame import DataFrame, HeadersFrame
from script_steps import FailWrite, MeanwhileWriting
from scripted import Network

from httpcore_interface import (
    NetworkError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)
from httpcore_pool._protocol.http2 import Engine, frames


@pytest.fixture
def peers(network: Network) -> Peers:
    return serve(network)


@pytest.fixture
def pool(driver: Driver, peers: Peers) -> PoolClient:
    return shared_pool(driver)


@pytest.fixture
def other(pool: PoolClient, peers: Peers) -> collections.abc.Iterator[Background[bytes]]:
    """A request that is under way meanwhile, and finishes in the end."""
    thread = begin(pool, "other")
    [call] = peers.until_called(1)
    yield thread
    peers.answer(call, b"other")
    assert thread.result() == b"other"
    assert pool.is_quiet
    peers[0]._begin, peers[0]._answer = None, echo
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1


def test_read_timeout_is_its_own(
    pool: PoolClient, peers: Peers, other: Background[bytes], network: Network
) -> None:
    network.while_waiting(lambda: None)
    peers.until(lambda: peers[0].waiting == 1)
    with pytest.raises(ReadTimeout, match=r"sent nothing for this request within 5\.0 seconds"):
        begin(pool, read=5.0).result()
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


def test_total_timeout_is_its_own(
    pool: PoolClient, peers: Peers, other: Background[bytes], network: Network
) -> None:
    network.while_waiting(lambda: None)
    peers.until(lambda: peers[0].waiting == 1)
    with pytest.raises(ReadTimeout):
        begin(pool, total=5.0).result()
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


def test_read_timeout_in_a_body_is_its_own(
    pool: PoolClient, peers: Peers, other: Background[bytes], network: Network
) -> None:
    peers[0]._begin = begin_body
    response = pool.open("GET", extensions={"timeout": {"read": 5.0}})
    assert response.next_chunk() == b"part"
    network.while_waiting(lambda: None)
    peers.until(lambda: peers[0].waiting == 1)
    with pytest.raises(ReadTimeout):
        response.next_chunk()
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


def test_write_timeout_is_its_own(driver: Driver, network: Network) -> None:
    peers = serve(network, is_thrifty=True)
    pool = shared_pool(driver)
    other = begin(pool, "other")
    [call] = peers.until_called(1)
    peers.until(lambda: peers[0].waiting == 1)
    # The window is used up before it waits.
    network.while_waiting(lambda: None)
    with pytest.raises(WriteTimeout, match=r"took nothing for this request within 5\.0"):
        begin(pool, "", "POST", b"x" * 100_000, write=5.0).result()
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)
    peers.answer(call, b"other")
    assert other.result() == b"other"


def test_read_timeout_of_nothing_lets_the_request_leave(
    pool: PoolClient, peers: Peers, other: Background[bytes]
) -> None:
    with pytest.raises(ReadTimeout, match=r"sent nothing for this request within 0\.0"):
        begin(pool, read=0.0).result()
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


@pytest.mark.parametrize("code", [1, 2, 8, 11, 99])
def test_reset_by_the_server_is_its_own(
    pool: PoolClient, peers: Peers, other: Background[bytes], code: int
) -> None:
    peers[0]._answer = lambda peer, call: peer.reset(call, code)
    with pytest.raises(RemoteProtocolError, match="the server reset the stream: "):
        pool.request("GET", URL_A)


def test_reset_in_a_body_is_told_behind_what_came_before(
    pool: PoolClient, peers: Peers, other: Background[bytes]
) -> None:
    peers[0]._answer = break_off
    response = pool.open("GET")
    assert response.next_chunk() == b"part"
    with pytest.raises(RemoteProtocolError, match="INTERNAL_ERROR"):
        response.next_chunk()


def begin_body(peer: Peer, call: Call) -> None:
    peer.head(call)
    peer.body(call, b"part", ends=False)


def break_off(peer: Peer, call: Call) -> None:
    begin_body(peer, call)
    peer.reset(call, 2)


def malformed_status(peer: Peer, stream: int) -> None:
    head = peer.h2.encoder.encode([(b":status", b"abc")])
    peer.frames(HeadersFrame(stream, head, flags=["END_HEADERS"]))


def upper_case(peer: Peer, stream: int) -> None:
    fields = [(b":status", b"200"), (b"UPPER", b"1")]
    peer.frames(HeadersFrame(stream, peer.h2.encoder.encode(fields), flags=["END_HEADERS"]))


def body_before_head(peer: Peer, stream: int) -> None:
    peer.frames(DataFrame(stream, b"body"))


def body_too_long(peer: Peer, stream: int) -> None:
    fields = [(b":status", b"200"), (b"content-length", b"1")]
    peer.frames(
        HeadersFrame(stream, peer.h2.encoder.encode(fields), flags=["END_HEADERS"]),
        DataFrame(stream, b"body", flags=["END_STREAM"]),
    )


@pytest.mark.parametrize(
    "answer", [malformed_status, upper_case, body_before_head, body_too_long]
)
def test_malformed_response_is_its_own(
    pool: PoolClient,
    peers: Peers,
    other: Background[bytes],
    answer: collections.abc.Callable[[Peer, int], None],
) -> None:
    peers[0]._answer = lambda peer, call: answer(peer, call.stream)
    with pytest.raises(RemoteProtocolError):
        pool.request("GET", URL_A)
    peers.until(lambda: peers[0].calls[1].reset == 1)


def test_response_that_is_closed_early_is_its_own(
    pool: PoolClient, peers: Peers, other: Background[bytes]
) -> None:
    peers[0]._begin = begin_body
    with pool.stream("GET", URL_A) as response:
        assert response.next_chunk() == b"part"
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


def test_body_of_a_request_that_fails_is_its_own(
    driver: Driver, pool: PoolClient, peers: Peers, other: Background[bytes]
) -> None:
    def parts() -> collections.abc.Iterator[bytes]:
        yield b"part"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool.request("POST", URL_A, content=driver.body(parts()))
    peers.until(lambda: peers[0].calls[1].reset == CANCEL)


# -- connections that break --------------------------------------------------------------------


def test_answer_that_came_before_a_failed_write_is_read(
    driver: Driver, network: Network, pool: PoolClient, peers: Peers
) -> None:
    def refuse() -> None:
        [peer] = peers
        peer.respond(peer.calls[0], b"too large", 413)
        peer.end()

    def parts() -> collections.abc.Iterator[bytes]:
        yield b"one"
        broken = FailWrite(WriteError("broken pipe"))
        network.connections[0].steps[:0] = [MeanwhileWriting(refuse), broken]
        yield b"two"

    response = pool.request("POST", URL_A, content=driver.body(parts()))
    assert (response.status, response.body) == (413, b"too large")
    assert pool.is_quiet
    assert not network.open_connections


def test_failure_that_is_kept_keeps_no_abandoned_response(
    driver: Driver, network: Network, pool: PoolClient, peers: Peers
) -> None:
    def refuse() -> None:
        [peer] = peers
        peer.respond(peer.calls[0], bytes(100_000), 413)

    def parts() -> collections.abc.Iterator[bytes]:
        yield b"one"
        broken = FailWrite(WriteError("broken pipe"))
        network.connections[0].steps[:0] = [MeanwhileWriting(refuse), broken]
        yield b"two"

    # What its own driving met is kept by the connection, and so would be the frames of
    # that, and whatever they hold.
    response = pool.open("POST", content=driver.body(parts()))
    assert response.status == 413
    del response
    gc.collect()
    assert pool.is_quiet


def test_write_that_fails_without_an_answer_is_told(
    driver: Driver, network: Network, pool: PoolClient, peers: Peers
) -> None:
    def parts() -> collections.abc.Iterator[bytes]:
        yield b"one"
        network.connections[0].steps.insert(0, FailWrite(WriteError("broken pipe")))
        yield b"two"

    with pytest.raises(WriteError, match="broken pipe"):
        pool.request("POST", URL_A, content=driver.body(parts()))
    assert pool.is_quiet
    assert not network.open_connections


def test_request_of_a_broken_connection_fails_for_everybody(
    driver: Driver, network: Network
) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = [begin(pool, str(number), "POST") for number in range(5)]
    peers.until_called(5)
    peers.until(lambda: peers[0].waiting == 1)
    peers[0].connection.outbox.append(ReadError("reset"))
    peers[0].wake()
    failures = set()
    for thread in threads:
        with pytest.raises(NetworkError, match="reset") as caught:
            thread.result()
        failures.add(caught.value)
    # Each has one of its own: a traceback grows whenever it is raised.
    assert len(failures) == 5
    assert pool.is_quiet
    assert not network.open_connections


def test_reader_of_a_connection_that_takes_nothing_more_is_not_left_alone(
    driver: Driver, network: Network, pool: PoolClient, peers: Peers
) -> None:
    """Nothing can be told to the server any more, and what comes may never come."""
    reader = begin(pool, "reader", "POST")
    peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    peer.connection.steps.insert(0, FailWrite(WriteError("broken pipe")))
    network.while_waiting(lambda: None)
    with pytest.raises(WriteError, match="broken pipe"):
        pool.request("POST", URL_A, content=b"body")
    with pytest.raises(WriteError, match="broken pipe"):
        reader.result()
    assert pool.is_quiet
    assert not network.open_connections


@pytest.mark.colours("blocking", reason="an event loop would end with it")
@pytest.mark.parametrize(
    ("owner", "name", "content"),
    [(frames, "write_block", None), (Engine, "_send", b"body"), (Engine, "take", None)],
    ids=["head", "body", "piece"],
)
def test_interruption_among_what_is_queued_harms_no_later_request(
    driver: Driver,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    content: bytes | None,
) -> None:
    """A field in the table of one side alone would make another of one that follows."""
    original = getattr(owner, name)

    def interrupt(*args: object, **options: object) -> object:
        if content in args:
            raise KeyboardInterrupt
        result = original(*args, **options)
        if content is None:
            raise KeyboardInterrupt
        return result

    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    fields = [(b"X-One", b"1")]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            pool.request("POST", URL_A, headers=fields, content=content)
    assert pool.is_quiet
    fields.append((b"X-Two", b"2"))
    assert pool.request("POST", URL_A, headers=fields, content=b"more").body == b"/more"
    assert [peers.calls[-1].field(name) for name in (b"x-one", b"x-two")] == [b"1", b"2"]
    assert len(network.open_connections) == 1
