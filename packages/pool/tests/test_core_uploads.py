"""Requests on their way out: what is written how, and who may interrupt it."""

import collections.abc

import pytest
from driving import HOST, URL_A, URL_TLS, Chunks, Driver, Reply, head, plain_context, reply
from script_steps import (
    Congested,
    End,
    FailRead,
    FailWrite,
    Give,
    Pause,
    Record,
    Stall,
    Step,
    Take,
    TakeAll,
    TakeHead,
    TakeRequest,
    TakeSome,
)
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    AsyncNetworkStream,
    LocalProtocolError,
    NetworkStream,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)

PIECE = 128 * 1024
REFUSAL = reply(b"too large", status=b"413 Content Too Large")
EXPECT = (b"Expect", b"100-continue")


def chunks(count: int, size: int = 1000) -> list[bytes]:
    return [bytes([number]) * size for number in range(count)]


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


# -- an answer before the end ----------------------------------------------------------


class Counted:
    """Parts of a body; knows how many were asked for."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = iter(parts)
        self.taken = 0

    def __iter__(self) -> "Counted":
        return self

    def __next__(self) -> bytes:
        part = next(self._parts)
        self.taken += 1
        return part


@pytest.mark.parametrize(
    "status", [b"413 Content Too Large", b"401 No", b"503 No", b"302 There"]
)
def test_early_error_ends_the_upload(driver: Driver, network: Network, status: bytes) -> None:
    network.play(TakeSome(3000), Give(reply(b"no", status=status)))
    network.answer(reply(b"fresh"))
    pool, body = driver.pool(), Counted(chunks(100))
    response = pool.request("POST", URL_A, content=driver.body(body))
    assert response.body == b"no"
    assert body.taken < 6
    # The rest of the body was never sent: the server waits for it still.
    assert not network.open_connections
    assert pool.request("GET", URL_A).body == b"fresh"


def test_early_error_ends_the_upload_of_one_large_body(
    driver: Driver, network: Network
) -> None:
    network.play(TakeSome(PIECE), Give(REFUSAL))
    response = driver.pool().request("POST", URL_A, content=bytes(100 * PIECE))
    assert (response.status, response.body) == (413, b"too large")
    assert len(network.connections[0].written) < 5
    assert not network.open_connections


def test_early_error_in_pieces_ends_the_upload(driver: Driver, network: Network) -> None:
    network.play(TakeSome(2000), *(Give(REFUSAL[at : at + 1]) for at in range(len(REFUSAL))))
    body = Counted(chunks(100))
    assert driver.pool().request("POST", URL_A, content=driver.body(body)).status == 413
    assert body.taken < 100


def test_early_success_lets_the_upload_go_on(driver: Driver, network: Network) -> None:
    network.play(
        TakeHead(),
        Give(head(b"200 OK", (b"Transfer-Encoding", b"chunked"))),
        Take(b"3e8\r\n" + b"\0" * 1000 + b"\r\n"),
        Give(b"2\r\nab\r\n"),
        Take(b"3e8\r\n" + b"\1" * 1000 + b"\r\n"),
        Give(b"2\r\ncd\r\n"),
        Take(b"3e8\r\n" + b"\2" * 1000 + b"\r\n0\r\n\r\n"),
        Give(b"2\r\nef\r\n0\r\n\r\n"),
        TakeRequest(),
        Give(reply(b"again")),
    )
    pool = driver.pool()
    # What came meanwhile is not lost, and both sides have said all they had to say.
    assert pool.request("POST", URL_A, content=driver.body(chunks(3))).body == b"abcdef"
    assert pool.request("GET", URL_A).body == b"again"


def test_whole_early_success_lets_the_upload_go_on(driver: Driver, network: Network) -> None:
    network.play(TakeHead(), Give(reply(b"fine")), TakeSome(3_000), TakeAll())
    pool = driver.pool()
    assert pool.request("POST", URL_A, content=driver.body(chunks(5))).body == b"fine"
    assert network.connections[0].sent.endswith(b"0\r\n\r\n")
    assert len(network.open_connections) == 1


def test_end_of_the_stream_behind_an_early_success_ends_the_upload(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), Give(reply(b"fine", (b"Connection", b"close"))), End())
    body = Counted(chunks(100))
    assert driver.pool().request("POST", URL_A, content=driver.body(body)).body == b"fine"
    assert body.taken < 5
    assert not network.open_connections


def test_end_of_the_stream_in_an_upload_is_an_error(driver: Driver, network: Network) -> None:
    network.play(TakeSome(3000), End())
    pool, body = driver.pool(), Counted(chunks(100))
    with pytest.raises(RemoteProtocolError, match=r"^Server disconnected without"):
        pool.request("POST", URL_A, content=driver.body(body))
    assert body.taken < 6
    assert pool.is_quiet


def test_reset_in_an_upload_is_an_error(driver: Driver, network: Network) -> None:
    network.play(TakeSome(3000), FailRead(ReadError("reset")))
    pool = driver.pool()
    with pytest.raises(ReadError, match="reset"):
        pool.request("POST", URL_A, content=driver.body(chunks(100)))
    assert pool.is_quiet


def test_tls_records_without_data_do_not_end_the_upload(
    driver: Driver, network: Network
) -> None:
    first, second = chunks(2)
    network.play(
        TakeHead(), Record(), Take(first), Record(), Take(second), Give(reply(b"fine"))
    )
    response = driver.pool(ssl_context=plain_context()).request(
        "POST",
        URL_TLS,
        headers=[(b"Content-Length", b"2000")],
        content=driver.body([first, second]),
    )
    assert response.body == b"fine"


CHUNKED = head(b"200 OK", (b"Transfer-Encoding", b"chunked"))
FIRST, SECOND = (b"3e8\r\n" + chunk + b"\r\n" for chunk in chunks(2))


def test_server_that_takes_nothing_until_it_is_heard_is_heard(
    driver: Driver, network: Network, clock: Clock
) -> None:
    """To wait for it in a write would be to wait for ever: it waits for us to read."""
    network.play(
        TakeHead(),
        Give(CHUNKED),
        Take(FIRST),
        Congested(0.5),
        Give(b"2\r\nab\r\n"),
        Congested(0.5),
        Give(b"2\r\ncd\r\n"),
        Take(SECOND + b"0\r\n\r\n"),
        Give(b"0\r\n\r\n"),
    )
    before = clock.now
    pool = driver.pool()
    response = pool.request(
        "POST",
        URL_A,
        content=driver.body(chunks(2)),
        extensions={"timeout": {"write": 5.0}},
    )
    assert response.body == b"abcd"
    assert clock.now - before == pytest.approx(1.0)
    assert len(network.open_connections) == 1


def test_server_that_takes_nothing_any_more_is_waited_for_no_longer_than_allowed(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(TakeHead(), Give(CHUNKED + b"2\r\nab\r\n"), Take(FIRST), Congested(100.0))
    before = clock.now
    pool = driver.pool()
    response = pool.open(
        "POST",
        headers=[(b"Host", HOST), (b"Transfer-Encoding", b"chunked")],
        content=driver.body(chunks(2)),
        extensions={"timeout": {"write": 5.0, "read": 1.0}},
    )
    assert clock.now - before == pytest.approx(5.0)
    # Its answer has begun, and is what there is to be had.
    assert response.status == 200
    assert response.next_chunk() == b"ab"
    with pytest.raises(ReadTimeout):
        response.next_chunk()
    assert pool.is_quiet
    network.connections[0].steps.clear()


@pytest.mark.parametrize("last", [b"0\r\n\r\n", b"nonsense\r\n"], ids=["end", "nonsense"])
def test_server_that_hangs_up_instead_of_taking_more_is_heard(
    driver: Driver, network: Network, last: bytes
) -> None:
    network.play(TakeHead(), Give(CHUNKED), Take(FIRST), Congested(0.5), Give(last), End())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    if last.startswith(b"0"):
        assert pool.request("POST", URL_A, content=driver.body(chunks(2))).body == b""
    else:
        with pytest.raises(RemoteProtocolError):
            pool.request("POST", URL_A, content=driver.body(chunks(2)))
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fresh"


@pytest.mark.parametrize(("millions", "is_held"), [(40, True), (70, False)])
def test_flood_of_early_bytes_is_held_up_to_a_limit(
    driver: Driver, network: Network, millions: int, is_held: bool
) -> None:
    million = b"x" * 1_000_000
    size = millions * len(million)
    network.play(
        TakeHead(),
        Give(head(b"200 OK", (b"Content-Length", b"%d" % size))),
        *[Give(million)] * millions,
        *[TakeSome(1), TakeAll()] * is_held,
    )
    pool = driver.pool()
    headers = [(b"Host", HOST), (b"Content-Length", b"3000")]
    if is_held:
        response = pool.open("POST", headers=headers, content=driver.body(chunks(3)))
        assert len(response.read()) == size
    else:
        with pytest.raises(ReadError, match="before the request had been sent"):
            pool.open("POST", headers=headers, content=driver.body(chunks(3)))
        # What was beyond the limit was left where it was.
        assert sum(map(len, _given(network))) > 0
    assert pool.is_quiet


def _given(network: Network) -> list[bytes]:
    return [segment for segment in network.connections[0].outbox if isinstance(segment, bytes)]


# -- a write that fails ------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"small", bytes(3 * PIECE)], ids=["small", "large"])
def test_answer_that_waits_behind_a_failed_write_is_the_response(
    driver: Driver, network: Network, body: bytes
) -> None:
    network.play(FailWrite(WriteError("broken pipe")), Give(REFUSAL), End())
    response = driver.pool().request("POST", URL_A, content=body)
    assert (response.status, response.body) == (413, b"too large")
    assert not network.open_connections


def test_answer_that_waits_behind_a_failed_write_of_a_part_is_the_response(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), FailWrite(WriteError("broken pipe")), Give(REFUSAL), End())
    response = driver.pool().request("POST", URL_A, content=driver.body(chunks(100)))
    assert response.body == b"too large"


def test_answer_behind_a_write_that_timed_out_is_the_response(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), Stall(), Give(REFUSAL))
    response = driver.pool().request(
        "POST", URL_A, content=driver.body(chunks(100)), extensions={"timeout": {"write": 5}}
    )
    assert response.status == 413


@pytest.mark.parametrize(
    "step", [End(), FailRead(ReadError("reset")), Give(b"HTTP/9 x\r\n\r\n")]
)
def test_failed_write_is_the_error_where_there_is_no_answer(
    driver: Driver, network: Network, step: Step
) -> None:
    network.play(FailWrite(WriteError("broken pipe")), step)
    pool = driver.pool()
    with pytest.raises(WriteError, match=r"^broken pipe$"):
        pool.request("POST", URL_A, content=b"body")
    assert pool.is_quiet
    assert pool.face.connections == []


def test_write_that_timed_out_waits_no_more(
    driver: Driver, network: Network, clock: Clock
) -> None:
    # Without a read timeout, waiting for the answer might take for ever.
    network.play(TakeHead(), Stall())
    before = clock.now
    with pytest.raises(WriteTimeout):
        driver.pool().request(
            "POST",
            URL_A,
            content=driver.body(chunks(100)),
            extensions={"timeout": {"write": 5}},
        )
    assert clock.now - before == 5


# -- Expect: 100-continue --------------------------------------------------------------


def upload(driver: Driver, timeout: dict[str, float] | None = None) -> Reply:
    return driver.pool().request(
        "PUT",
        URL_A,
        headers=[EXPECT],
        content=b"precious",
        extensions={} if timeout is None else {"timeout": timeout},
    )


def test_body_waits_for_the_servers_word(
    driver: Driver, network: Network, clock: Clock
) -> None:
    before = clock.now
    network.play(
        TakeHead(),
        Pause(0.5),
        Give(head(b"100 Continue")),
        Take(b"precious"),
        Give(reply(b"thanks")),
    )
    assert upload(driver).body == b"thanks"
    assert clock.now - before == 0.5
    assert len(network.open_connections) == 1


def test_answer_right_behind_a_100_spares_the_body(driver: Driver, network: Network) -> None:
    both = b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"no", status=b"413 Too Large")
    network.play(TakeHead(), Give(both))
    response = driver.pool().request("POST", URL_A, headers=[EXPECT], content=bytes(300_000))
    assert response.status == 413
    assert network.connections[0].requests[0].body == b""
    assert not network.open_connections


def test_body_is_not_sent_where_the_final_response_comes_instead(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), Give(reply(b"no", status=b"417 Expectation Failed")))
    response = upload(driver)
    assert (response.status, response.body) == (417, b"no")
    # The server may or may not expect the body now: the connection is of no use.
    assert not network.open_connections


def test_body_goes_unasked_after_a_second_of_silence(
    driver: Driver, network: Network, clock: Clock
) -> None:
    before = clock.now
    network.play(TakeHead(), Take(b"precious"), Give(reply(b"thanks")))
    assert upload(driver).body == b"thanks"
    assert clock.now - before == 1.0


def test_other_interim_responses_do_not_release_the_body(
    driver: Driver, network: Network, clock: Clock
) -> None:
    before = clock.now
    network.play(
        TakeHead(),
        Pause(0.25),
        Give(head(b"102 Processing")),
        Pause(0.25),
        Give(head(b"103 Early Hints")),
        # Still one second in all.
        Take(b"precious"),
        Give(head(b"100 Continue") + reply(b"late")),
    )
    assert upload(driver).body == b"late"
    assert clock.now - before == 1.0


def test_server_that_hangs_up_instead_of_a_word_is_an_error(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), End())
    with pytest.raises(RemoteProtocolError, match="disconnected without"):
        upload(driver)


def test_shorter_read_timeout_shortens_the_wait_for_the_word(
    driver: Driver, network: Network, clock: Clock
) -> None:
    before = clock.now
    network.play(TakeHead(), Take(b"precious"), Give(reply(b"thanks")))
    assert upload(driver, {"read": 0.25}).body == b"thanks"
    assert clock.now - before == 0.25


def test_silence_after_the_body_is_a_read_timeout(driver: Driver, network: Network) -> None:
    network.play(TakeHead(), Take(b"precious"))
    with pytest.raises(ReadTimeout):
        upload(driver, {"read": 3})


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


# -- a peer that is readable, but says nothing -------------------------------------------


class HalfRecord(NetworkStream):
    """A TLS stream whose peer sent a part of a record, and takes nothing any more."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        raise ReadTimeout("the record is incomplete")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    def wait_writable(self, timeout: float | None = None) -> bool:
        return False

    def close(self) -> None:
        pass

    def get_extra_info(self, info: str) -> object:
        return info == "is_readable"


class AsyncHalfRecord(AsyncNetworkStream):
    """The same, for async code."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        raise ReadTimeout("the record is incomplete")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    async def wait_writable(self, timeout: float | None = None) -> bool:
        return False

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> object:
        return info == "is_readable"


def test_half_a_record_does_not_hold_up_the_write_timeout(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the real clock.
    monkeypatch.undo()
    connection = driver.given(AsyncHalfRecord() if driver.prefix else HalfRecord())
    with pytest.raises(WriteTimeout):
        connection.request(
            "POST",
            URL_A,
            content=bytes(300_000),
            extensions={"timeout": {"write": 0.05}},
        )
    assert connection.face.is_closed()
