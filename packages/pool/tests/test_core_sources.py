"""Generators that a request's body comes from: they end with the request, and not later."""

import collections.abc

import pytest
from driving import URL_A, Body, Driver, reply
from driving_async import AsyncDriver
from script_steps import End, FailWrite, Give, Step, TakeAll, TakeHead, TakeSome
from scripted import Network

from httpcore_interface import LocalProtocolError, WriteError

REFUSAL = reply(b"too large", status=b"413 Content Too Large")


class Source:
    """A generator of the driver's colour, held here so that nothing else ends it."""

    def __init__(self, driver: Driver) -> None:
        self.given = 0
        self.has_ended = False
        self.body: Body = (
            self._give_async() if isinstance(driver, AsyncDriver) else self._give()
        )

    def _give(self) -> collections.abc.Generator[bytes, None, None]:
        try:
            for self.given in range(1, 11):
                yield b"x" * 1000
        finally:
            self.has_ended = True

    async def _give_async(self) -> collections.abc.AsyncGenerator[bytes, None]:
        try:
            for self.given in range(1, 11):
                yield b"x" * 1000
        finally:
            self.has_ended = True


def test_generator_that_was_asked_for_everything_has_ended(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(b"fine"))
    source = Source(driver)
    assert driver.pool().request("POST", URL_A, content=source.body).body == b"fine"
    assert (source.given, source.has_ended) == (10, True)


def test_generator_ends_with_an_early_answer(driver: Driver, network: Network) -> None:
    network.play(TakeSome(2000), Give(REFUSAL))
    source = Source(driver)
    response = driver.pool().request("POST", URL_A, content=source.body)
    assert response.status == 413
    assert source.given < 10
    assert source.has_ended


@pytest.mark.parametrize(
    ("steps", "headers", "error"),
    [
        ([TakeHead(), FailWrite(WriteError("broken pipe")), End()], [], WriteError),
        ([TakeHead(), TakeAll()], [(b"Content-Length", b"1500")], LocalProtocolError),
    ],
    ids=["broken", "too-long"],
)
def test_generator_ends_with_a_failed_upload(
    driver: Driver,
    network: Network,
    steps: list[Step],
    headers: list[tuple[bytes, bytes]],
    error: type[Exception],
) -> None:
    network.play(*steps)
    source = Source(driver)
    with pytest.raises(error):
        driver.pool().request(
            "POST",
            URL_A,
            headers=headers,
            content=source.body,
        )
    assert source.given < 10
    assert source.has_ended


def test_body_that_is_no_generator_is_the_callers_to_end(
    driver: Driver, network: Network
) -> None:
    network.play(TakeSome(1000), Give(REFUSAL))
    parts = driver.body([b"x" * 1000] * 3)
    closed: list[bool] = []
    if isinstance(driver, AsyncDriver):
        # What calls itself closable may mean anything by it.
        vars(parts)["aclose"] = lambda: closed.append(True)
    assert driver.pool().request("POST", URL_A, content=parts).status == 413
    assert closed == []
