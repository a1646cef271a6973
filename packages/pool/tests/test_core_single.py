"""Single requests, without a pool to keep, and the backend that is used when none is given."""

import sys

import pytest
from driving import URL_A, reply
from script_steps import Give, TakeRequest
from scripted import Network
from scripted_backend import ScriptedBackend

import httpcore_pool
from httpcore_interface import NetworkBackend, RemoteProtocolError
from httpcore_pool import ConnectionPool, _sync


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """Whoever gives no backend gets the scripted one."""

    def default_backend() -> NetworkBackend:
        return ScriptedBackend(network)

    monkeypatch.setattr(_sync, "default_backend", default_backend)


def test_request_is_sent_over_a_connection_of_its_own(network: Network) -> None:
    network.answer(reply(b"body"))
    response = httpcore_pool.request(
        "POST", URL_A, headers={"X": "y"}, content=b"abc", extensions={"timeout": {"read": 5.0}}
    )
    assert (response.status, response.content) == (200, b"body")
    [connection] = network.connections
    assert connection.requests[0].body == b"abc"
    assert connection.requests[0].header(b"x") == b"y"
    assert connection.timeouts[-1] == ("read", 5.0)
    assert not network.open_connections


def test_failed_request_leaves_no_connection(network: Network) -> None:
    network.play(TakeRequest(), Give(b"nonsense\r\n\r\n"))
    with pytest.raises(RemoteProtocolError):
        httpcore_pool.request("GET", URL_A)
    assert not network.open_connections


def test_response_is_streamed_within_its_block(network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-5]), Give(b"56789"))
    with httpcore_pool.stream("GET", URL_A) as response:
        assert list(response.iter_stream()) == [b"01234", b"56789"]
    assert not network.open_connections


def test_stream_that_is_left_early_leaves_no_connection(network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-5]))
    with pytest.raises(ZeroDivisionError), httpcore_pool.stream("GET", URL_A) as response:
        assert response.status // 0
    assert not network.open_connections


def test_stream_that_cannot_be_entered_leaves_no_connection(network: Network) -> None:
    network.play(TakeRequest(), Give(b"nonsense\r\n\r\n"))
    with pytest.raises(RemoteProtocolError), httpcore_pool.stream("GET", URL_A):
        raise AssertionError
    assert not network.open_connections


def test_default_backend_is_made_when_it_is_needed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[NetworkBackend] = []

    def default_backend() -> NetworkBackend:
        made.append(ScriptedBackend(network))
        return made[-1]

    monkeypatch.setattr(_sync, "default_backend", default_backend)
    network.serve(lambda request: reply())
    with ConnectionPool() as pool:
        assert made == []
        pool.request("GET", URL_A)
        pool.request("GET", "http://other.test/")
        assert pool._network_backend is made[0]
    assert len(made) == 1


def test_missing_default_backend_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "httpcore_sync", None)
    with (
        ConnectionPool() as pool,
        pytest.raises(ImportError, match=r"install httpcore-sync, or pass network_backend"),
    ):
        pool.request("GET", URL_A)
    assert pool.stats().requests_active == 0


def test_backend_that_cannot_connect_is_named(network: Network) -> None:
    class Refusing(NetworkBackend):
        """Writes none of the methods."""

    with (
        ConnectionPool(network_backend=Refusing()) as pool,
        pytest.raises(NotImplementedError, match=r"Refusing does not implement connect_tcp"),
    ):
        pool.request("GET", URL_A)
    assert pool.stats().requests_active == 0
