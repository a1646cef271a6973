"""Bodies of requests: how they are written, and which are refused."""

import collections.abc

import pytest
from driving import URL_A, Chunks, Driver, reply
from script_steps import Give, Take, TakeAll, TakeHead
from scripted import Network
from uploads import PIECE, chunks

from httpcore_interface import LocalProtocolError

# -- what is written -----------------------------------------------------------------


def test_request_without_a_body_is_one_write(driver: Driver, network: Network) -> None:
    network.play(Take(b"GET /a?b HTTP/1.1\r\nHost: example.test\r\n\r\n"), Give(reply()))
    driver.pool().request("GET", URL_A + "a?b#c")
    assert len(network.connections[0].written) == 1


def test_small_body_leaves_with_its_head_in_one_write(driver: Driver, network: Network) -> None:
    body = bytes(64 * 1024)
    network.answer(reply())
    driver.pool().request("POST", URL_A, content=body)
    [connection] = network.connections
    assert len(connection.written) == 1
    assert connection.requests[0].body == body


def test_large_body_leaves_in_pieces_that_are_not_copied(
    driver: Driver, network: Network
) -> None:
    body = bytes(3 * PIECE + 5)
    network.answer(reply())
    driver.pool().request("POST", URL_A, content=body)
    [connection] = network.connections
    assert connection.requests[0].body == body
    first, *pieces = connection.written
    assert first.endswith(b"\r\n\r\n")
    assert [len(piece) for piece in pieces] == [PIECE, PIECE, PIECE, 5]
    for piece in pieces:
        assert isinstance(piece, memoryview)
        assert piece.obj is body


@pytest.mark.parametrize(
    ("buffer", "size"), [(4 * PIECE, PIECE), (16 * PIECE, 4 * PIECE), (100 * PIECE, 8 * PIECE)]
)
def test_pieces_are_as_large_as_the_socket_takes_at_once(
    driver: Driver, network: Network, buffer: int, size: int
) -> None:
    body = bytes(9 * PIECE)
    network.send_buffer = buffer
    network.answer(reply())
    driver.pool().request("POST", URL_A, content=body)
    [connection] = network.connections
    assert connection.requests[0].body == body
    assert {len(piece) for piece in connection.written[1:-1]} == {size}


def test_large_part_of_a_body_is_not_copied_either(driver: Driver, network: Network) -> None:
    part = bytes(2 * PIECE)
    network.answer(reply())
    driver.pool().request(
        "POST",
        URL_A,
        headers=[(b"Content-Length", b"%d" % len(part))],
        content=driver.body([part]),
    )
    _, *pieces = network.connections[0].written
    assert [isinstance(piece, memoryview) and piece.obj is part for piece in pieces] == [
        True
    ] * 2


def test_body_of_parts_is_sent_in_chunks(driver: Driver, network: Network) -> None:
    network.play(
        Take(b"POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Take(b"3\r\nabc\r\n"),
        Take(b"a\r\n0123456789\r\n"),
        Take(b"0\r\n\r\n"),
        Give(reply()),
    )
    # An empty part would end the body, so it is left out.
    driver.pool().request("POST", URL_A, content=driver.body([b"abc", b"", b"0123456789"]))


def test_body_of_parts_is_sent_plain_where_its_length_is_given(
    driver: Driver, network: Network
) -> None:
    network.answer(reply())
    driver.pool().request(
        "POST",
        URL_A,
        headers=[(b"Content-Length", b"6")],
        content=driver.body([b"ab", b"cdef"]),
    )
    assert network.connections[0].requests[0].body == b"abcdef"
    assert network.connections[0].sent.endswith(b"\r\n\r\nabcdef")


def test_bytes_may_be_sent_in_chunks(driver: Driver, network: Network) -> None:
    network.answer(reply())
    driver.pool().request(
        "POST", URL_A, headers=[(b"Transfer-Encoding", b"chunked")], content=b"abc"
    )
    assert network.connections[0].sent.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


@pytest.mark.parametrize("of", [bytearray, memoryview], ids=["bytearray", "memoryview"])
@pytest.mark.parametrize("size", [3, PIECE + 1])
def test_parts_may_be_of_any_kind_of_bytes(
    driver: Driver,
    network: Network,
    of: collections.abc.Callable[[bytes], bytes],
    size: int,
) -> None:
    network.answer(reply())
    driver.pool().request("POST", URL_A, content=driver.body([of(b"a" * size)]))
    assert network.connections[0].requests[0].body == b"a" * size


def test_parts_are_counted_in_bytes_whatever_their_items(
    driver: Driver, network: Network
) -> None:
    network.answer(reply())
    wide = memoryview(b"01234567").cast("I")
    assert len(wide) == 2
    driver.pool().request("POST", URL_A, content=driver.body([typed(wide)]))
    assert network.connections[0].requests[0].body == b"01234567"


def typed(part: object) -> bytes:
    """Passes something off as bytes: type checkers would refuse it."""
    return part  # type: ignore[return-value]  # see above


def test_response_is_read_while_the_body_is_long_gone(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool()
    assert pool.request("POST", URL_A, content=driver.body(chunks(3))).body == b"first"
    assert pool.request("POST", URL_A, content=driver.body(chunks(3))).body == b"second"


# -- bodies that are no good -------------------------------------------------------------


def raising(parts: Chunks, error: BaseException) -> Chunks:
    yield from parts
    raise error


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt(), GeneratorExit()])
def test_body_that_raises_closes_the_connection(
    driver: Driver, network: Network, count: int, error: BaseException
) -> None:
    network.play(TakeHead(), TakeAll())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    with pytest.raises(type(error)):
        pool.request("POST", URL_A, content=driver.body(raising(chunks(count), error)))
    assert not network.open_connections
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fresh"


@pytest.mark.parametrize("part", ["text", 5, None, [b"x"]], ids=repr)
@pytest.mark.parametrize("before", [[], [b"good"]], ids=["first", "second"])
def test_body_that_is_not_made_of_bytes_is_refused(
    driver: Driver, network: Network, part: object, before: list[bytes]
) -> None:
    network.play(TakeHead(), TakeAll())
    pool = driver.pool()
    with pytest.raises(TypeError, match=rf"made of bytes, but got {type(part).__name__}"):
        pool.request("POST", URL_A, content=driver.body([*before, typed(part)]))
    # Nothing says that the body was over.
    assert not network.connections[0].sent.endswith(b"0\r\n\r\n")
    assert not network.open_connections
    assert pool.is_quiet


@pytest.mark.parametrize("size", [3, 7])
def test_bytes_of_another_length_than_announced_are_not_sent(
    driver: Driver, network: Network, size: int
) -> None:
    network.answer(reply(b"fine"))
    pool = driver.pool()
    with pytest.raises(
        LocalProtocolError, match=r"Too (much|little) data for declared Content-"
    ):
        pool.request("POST", URL_A, headers=[(b"Content-Length", b"5")], content=bytes(size))
    assert pool.is_quiet
    # Not a byte was sent, so the connection is as good as before.
    assert pool.request("GET", URL_A).body == b"fine"
    assert [len(connection.written) for connection in network.connections] == [1]


@pytest.mark.parametrize(
    ("parts", "amount", "arrived"),
    [([b"abc"], "little", b"abc"), ([b"abc", b"def"], "much", b"abc"), ([], "little", b"")],
)
def test_parts_of_another_length_than_announced_close_the_connection(
    driver: Driver, network: Network, parts: list[bytes], amount: str, arrived: bytes
) -> None:
    network.play(TakeHead(), TakeAll())
    pool = driver.pool()
    with pytest.raises(LocalProtocolError, match=f"Too {amount} data"):
        pool.request(
            "POST",
            URL_A,
            headers=[(b"Content-Length", b"5")],
            content=driver.body(parts),
        )
    assert network.connections[0].sent.partition(b"\r\n\r\n")[2] == arrived
    assert not network.open_connections
    assert pool.is_quiet
