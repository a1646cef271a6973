"""Bodies that wait for the server's word: `Expect: 100-continue`."""

import pytest
from driving import URL_A, Driver, Reply, head, reply
from script_steps import End, Give, Pause, Take, TakeHead
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import ReadTimeout, RemoteProtocolError

EXPECT = (b"Expect", b"100-continue")


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
