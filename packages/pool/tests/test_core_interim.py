"""Responses before the response (RFC 9110, section 15.2)."""

import pytest
from driving import URL_A, Driver, head, reply
from script_steps import End, Give, Pause, Take, TakeHead, TakeRequest
from scripted import Network

from httpcore_interface import RemoteProtocolError

HINTS = head(b"103 Early Hints", (b"Link", b"</style.css>; rel=preload"))


@pytest.mark.parametrize("piece", [1, 1000])
def test_interim_responses_are_passed_over(
    driver: Driver, network: Network, piece: int
) -> None:
    answer = head(b"100 Continue") + head(b"102 Processing") + HINTS + reply(b"final")
    pieces = [answer[at : at + piece] for at in range(0, len(answer), piece)]
    network.play(TakeRequest(), *map(Give, pieces), TakeRequest(), Give(reply(b"again")))
    pool = driver.pool()
    response = pool.request("GET", URL_A)
    assert (response.status, response.body) == (200, b"final")
    assert pool.request("GET", URL_A).body == b"again"


def test_interim_responses_are_told_to_trace(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(head(b"102 Processing")), Give(HINTS), Give(reply(b"x")))
    told, trace = driver.recorder()
    driver.pool().request("GET", URL_A, extensions={"trace": trace})
    interim = [info for name, info in told if "interim" in name]
    assert interim == [
        {"return_value": (b"HTTP/1.1", 102, b"Processing", [])},
        {
            "return_value": (
                b"HTTP/1.1",
                103,
                b"Early Hints",
                [(b"Link", b"</style.css>; rel=preload")],
            )
        },
    ]


def test_interim_responses_during_an_upload_are_passed_over(
    driver: Driver, network: Network
) -> None:
    network.play(
        TakeHead(),
        Give(HINTS),
        Give(head(b"102 Processing")),
        Take(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
        Give(reply(b"final")),
    )
    told, trace = driver.recorder()
    response = driver.pool().request(
        "POST", URL_A, content=driver.body([b"a", b"b"]), extensions={"trace": trace}
    )
    assert response.body == b"final"
    assert len([name for name, _ in told if "interim" in name]) == 2


@pytest.mark.parametrize("at_once", [True, False])
def test_endless_interim_responses_are_an_error(
    driver: Driver, network: Network, at_once: bool
) -> None:
    many = [HINTS] * 101
    pieces = [b"".join(many)] if at_once else many
    network.play(TakeRequest(), *map(Give, pieces))
    pool = driver.pool()
    with pytest.raises(RemoteProtocolError, match="more than 100 interim responses"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert not network.open_connections


def test_a_hundred_interim_responses_are_fine(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(HINTS * 100), Give(reply(b"at last")))
    assert driver.pool().request("GET", URL_A).body == b"at last"


def test_end_of_the_stream_behind_an_interim_response_is_an_error(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Pause(1.0), Give(HINTS), End())
    with pytest.raises(RemoteProtocolError, match="disconnected"):
        driver.pool().request("GET", URL_A)
