"""Who is told what is being done: the caller's trace, and the loggers."""

import logging

import pytest
from driving import HOST, URL_A, URL_TLS, Driver, Told, head, plain_context, reply
from script_steps import Dial, End, FailWrite, Give, Shake, TakeHead, TakeRequest
from scripted import Network
from scripted_async_backend import AsyncScriptedStream
from scripted_backend import ScriptedStream

from httpcore_interface import ConnectError, ReadTimeout, RemoteProtocolError, WriteError
from httpcore_pool import Request

PLAIN = [
    "connection.connect_tcp",
    "http11.send_request_headers",
    "http11.send_request_body",
    "http11.receive_response_headers",
    "http11.receive_response_body",
    "http11.response_closed",
]


def names(told: list[Told]) -> list[str]:
    return [name for name, _ in told]


def both(*operations: str) -> list[str]:
    return [f"{name}.{when}" for name in operations for when in ("started", "complete")]


def facts(told: list[Told], name: str) -> dict[str, object]:
    [found] = [info for known, info in told if known == name]
    return found


def test_every_operation_is_told_in_order(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    told, trace = driver.recorder()
    pool = driver.pool()
    pool.request("GET", URL_A, extensions={"trace": trace})
    assert names(told) == both(*PLAIN)
    told.clear()
    pool.request("GET", URL_A, extensions={"trace": trace})
    assert names(told) == both(*PLAIN[1:])


def test_facts_are_those_of_each_operation(driver: Driver, network: Network) -> None:
    network.answer(reply(b"body", (b"X", b"y")))
    told, trace = driver.recorder()
    pool = driver.pool(local_address="127.0.0.1", socket_options=[(6, 1, 1)])
    request = Request(
        "GET",
        URL_A,
        headers=[(b"Host", HOST)],
        extensions={"trace": trace, "timeout": {"connect": 5.0}},
    )
    pool.send(request).read()
    assert facts(told, "connection.connect_tcp.started") == {
        "host": "example.test",
        "port": 80,
        "local_address": "127.0.0.1",
        "timeout": 5.0,
        "socket_options": [(6, 1, 1)],
    }
    stream = facts(told, "connection.connect_tcp.complete")["return_value"]
    # The backend's own, which callbacks ask for addresses.
    assert isinstance(stream, ScriptedStream | AsyncScriptedStream)
    assert stream.get_extra_info("server_addr") == ("example.test", 80)
    for operation in PLAIN[1:5]:
        assert facts(told, f"{operation}.started") == {"request": request}
    for operation in (PLAIN[1], PLAIN[2], PLAIN[4], PLAIN[5]):
        assert facts(told, f"{operation}.complete") == {"return_value": None}
    assert facts(told, "http11.receive_response_headers.complete") == {
        "return_value": (b"HTTP/1.1", 200, b"OK", [(b"Content-Length", b"4"), (b"X", b"y")])
    }
    assert facts(told, "http11.response_closed.started") == {}


def test_tls_is_told(driver: Driver, network: Network) -> None:
    network.answer(reply())
    told, trace = driver.recorder()
    context = plain_context()
    driver.pool(ssl_context=context).request(
        "GET", URL_TLS, extensions={"trace": trace, "timeout": {"connect": 5.0}}
    )
    assert names(told)[:4] == both("connection.connect_tcp", "connection.start_tls")
    assert facts(told, "connection.start_tls.started") == {
        "ssl_context": context,
        "server_hostname": "example.test",
        "timeout": 5.0,
    }
    stream = facts(told, "connection.start_tls.complete")["return_value"]
    assert isinstance(stream, ScriptedStream | AsyncScriptedStream)
    assert stream.get_extra_info("ssl_object") is not None


def test_unix_socket_is_told(driver: Driver, network: Network) -> None:
    network.answer(reply())
    told, trace = driver.recorder()
    driver.pool(uds="/run/http.sock").request("GET", URL_A, extensions={"trace": trace})
    assert told[0] == (
        "connection.connect_unix_socket.started",
        {"path": "/run/http.sock", "timeout": None, "socket_options": None},
    )


def test_retries_are_told(driver: Driver, network: Network) -> None:
    network.play(Dial(error=ConnectError("refused")))
    network.answer(reply())
    told, trace = driver.recorder()
    driver.pool(retries=1).request("GET", URL_A, extensions={"trace": trace})
    assert names(told)[:6] == [
        "connection.connect_tcp.started",
        "connection.connect_tcp.failed",
        "connection.retry.started",
        "connection.retry.complete",
        "connection.connect_tcp.started",
        "connection.connect_tcp.complete",
    ]


def test_both_attempts_of_a_repeated_request_are_told(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply()), TakeRequest(), End())
    network.answer(reply(b"second"))
    told, trace = driver.recorder()
    pool = driver.pool()
    pool.request("GET", URL_A)
    pool.request("GET", URL_A, extensions={"trace": trace})
    assert names(told) == [
        *both(*PLAIN[1:3]),
        "http11.receive_response_headers.started",
        "http11.receive_response_headers.failed",
        *both("http11.response_closed", *PLAIN),
    ]


@pytest.mark.parametrize("is_tls", [False, True])
def test_failure_to_connect_is_told(driver: Driver, network: Network, is_tls: bool) -> None:
    error = ConnectError("refused")
    network.play(Shake(error=error) if is_tls else Dial(error=error))
    told, trace = driver.recorder()
    pool = driver.pool(ssl_context=plain_context())
    with pytest.raises(ConnectError):
        pool.request("GET", URL_TLS if is_tls else URL_A, extensions={"trace": trace})
    operation = "start_tls" if is_tls else "connect_tcp"
    assert told[-1] == (f"connection.{operation}.failed", {"exception": error})


def test_failures_of_an_exchange_are_told(driver: Driver, network: Network) -> None:
    broken = WriteError("broken pipe")
    network.play(FailWrite(broken), End())
    network.play(TakeRequest(), End())
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-5]), End())
    pool = driver.pool()
    last = []
    for error in (WriteError, RemoteProtocolError, RemoteProtocolError):
        told, trace = driver.recorder()
        with pytest.raises(error):
            pool.request("POST", URL_A, extensions={"trace": trace})
        last.append(next(told_ for told_ in told if told_[0].endswith(".failed")))
        assert names(told)[-2:] == both("http11.response_closed")
    assert last[0] == ("http11.send_request_headers.failed", {"exception": broken})
    assert last[1][0] == "http11.receive_response_headers.failed"
    assert isinstance(last[1][1]["exception"], RemoteProtocolError)
    assert last[2][0] == "http11.receive_response_body.failed"


def test_response_that_is_never_read_is_told_to_be_closed(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(b"body"))
    told, trace = driver.recorder()
    driver.pool().open("GET", extensions={"trace": trace}).close()
    assert names(told) == both(*PLAIN[:4], PLAIN[5])


def test_early_answer_is_told(driver: Driver, network: Network) -> None:
    network.play(TakeHead(), Give(reply(b"no", status=b"413 Content Too Large")))
    told, trace = driver.recorder()
    response = driver.pool().request(
        "POST", URL_A, content=driver.body([b"part"] * 100), extensions={"trace": trace}
    )
    assert response.body == b"no"
    assert names(told) == both(*PLAIN)


def test_answer_behind_a_failed_write_is_told(driver: Driver, network: Network) -> None:
    network.play(FailWrite(WriteError("broken pipe")), Give(reply(b"no")), End())
    told, trace = driver.recorder()
    response = driver.pool().request("POST", URL_A, extensions={"trace": trace})
    assert response.body == b"no"
    assert names(told)[2:6] == [
        "http11.send_request_headers.started",
        "http11.send_request_headers.failed",
        *both("http11.receive_response_headers"),
    ]


def test_connection_of_a_failed_request_is_closed_whatever_the_callback_does(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), End())

    def callback(name: str, info: dict[str, object]) -> None:
        if name == "http11.response_closed.started":
            raise RefusalError

    pool = driver.pool()
    with pytest.raises(RefusalError):
        pool.request("GET", URL_A, extensions={"trace": driver.trace(callback)})
    assert pool.is_quiet
    assert not network.open_connections


# -- callbacks that are no good ------------------------------------------------------------


class RefusalError(Exception):
    """What a callback raises."""


def test_callback_that_raises_while_the_body_is_read_ends_the_response(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-5]), Give(b"56789"))

    def callback(name: str, info: dict[str, object]) -> None:
        if name == "http11.receive_response_body.started":
            raise RefusalError

    pool = driver.pool()
    response = pool.open("GET", extensions={"trace": driver.trace(callback)})
    with pytest.raises(RefusalError):
        response.read()
    assert pool.is_quiet
    assert not network.open_connections


async def async_callback(name: str, info: dict[str, object]) -> None:
    raise AssertionError


class AsyncCallable:
    async def __call__(self, name: str, info: dict[str, object]) -> None:
        raise AssertionError


def blocking_callback(name: str, info: dict[str, object]) -> None:
    """Would be called, if it were to be awaited."""


@pytest.mark.colours("blocking", reason="its twin is the next test")
@pytest.mark.parametrize("callback", [async_callback, AsyncCallable()], ids=["def", "object"])
def test_async_callback_is_refused(driver: Driver, network: Network, callback: object) -> None:
    network.serve(lambda request: reply(b"fine"))
    pool = driver.pool()
    for _ in range(2):
        with pytest.raises(TypeError, match="needs a blocking 'trace' callback"):
            pool.request("GET", URL_A, extensions={"trace": callback})
        assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fine"


@pytest.mark.colours("asyncio", "trio", reason="its twin is the test before")
@pytest.mark.parametrize("callback", [blocking_callback, print], ids=["def", "builtin"])
def test_blocking_callback_is_refused(
    driver: Driver, network: Network, callback: object
) -> None:
    network.serve(lambda request: reply(b"fine"))
    pool = driver.pool()
    for _ in range(2):
        with pytest.raises(TypeError, match="needs an async 'trace' callback, but got the blo"):
            pool.request("GET", URL_A, extensions={"trace": callback})
        assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fine"


def test_no_trace_is_no_trace(driver: Driver, network: Network) -> None:
    network.answer(reply(b"fine"))
    assert driver.pool().request("GET", URL_A, extensions={"trace": None}).body == b"fine"


# -- logging -------------------------------------------------------------------------------


SECRETS = [
    (b"Authorization", b"Bearer hunter2"),
    (b"COOKIE", b"session=hunter2"),
    (b"Proxy-Authorization", b"Basic hunter2"),
]


def test_operations_are_logged(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="httpcore")
    network.answer(reply(b"fine", (b"Server", b"me")))
    driver.pool().request("GET", URL_A)
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    told = [f"{record.name}|{record.getMessage()}" for record in caplog.records]
    assert told[0] == (
        "httpcore.connection|connect_tcp.started host='example.test' port=80 "
        "local_address=None timeout=None socket_options=None"
    )
    assert "httpcore.http11|send_request_headers.started request=<Request [b'GET']>" in told
    assert (
        "httpcore.http11|receive_response_headers.complete return_value="
        "(b'HTTP/1.1', 200, b'OK', [(b'Content-Length', b'4'), (b'Server', b'me')])"
    ) in told
    assert told[1].startswith("httpcore.connection|connect_tcp.complete return_value=<")
    # The backend's own.
    assert "ScriptedStream object" in told[1]
    # As in 1.x, who returns nothing does not say so.
    assert "httpcore.http11|send_request_headers.complete" in told
    assert told[-1] == "httpcore.http11|response_closed.complete"
    assert len(told) == 12


def test_nothing_is_logged_above_debug(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="httpcore")
    network.play(TakeRequest(), End())
    with pytest.raises(RemoteProtocolError):
        driver.pool().request("GET", URL_A)
    assert not caplog.records


@pytest.mark.parametrize("logger", ["httpcore.connection", "httpcore.http11"])
def test_each_logger_is_its_own(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture, logger: str
) -> None:
    caplog.set_level(logging.DEBUG, logger=logger)
    network.answer(reply(b"fine"))
    driver.pool().request("GET", URL_A)
    assert {record.name for record in caplog.records} == {logger}


def test_secrets_are_not_logged(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="httpcore")
    interim = head(b"103 Early Hints", (b"set-COOKIE", b"early=hunter2"))
    final = reply(
        b"hunter2", (b"Set-Cookie", b"session=hunter2"), (b"set-cookie", b"other=hunter2")
    )
    network.play(TakeRequest(), Give(interim), Give(final))
    response = driver.pool().request(
        "POST",
        "http://user:hunter2@example.test/",
        headers=SECRETS,
        content=b"password=hunter2",
    )
    assert "hunter2" not in caplog.text
    assert "[secret]" in caplog.text
    # Only the log is without them.
    assert (b"Set-Cookie", b"session=hunter2") in response.headers


def test_secrets_are_traced(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="httpcore")
    network.answer(reply(b"", (b"Set-Cookie", b"session=hunter2")))
    told, trace = driver.recorder()
    driver.pool().request("GET", URL_A, extensions={"trace": trace})
    assert "hunter2" in str(facts(told, "http11.receive_response_headers.complete"))
    assert "hunter2" not in caplog.text


def test_illegal_secret_is_not_logged(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="httpcore")
    network.serve(lambda request: reply())
    with pytest.raises(Exception, match="Illegal header value"):
        driver.pool().request("GET", URL_A, headers=[(b"Authorization", b"hunter2\r\n")])
    assert "hunter2" not in caplog.text


def test_failures_are_logged(
    driver: Driver, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="httpcore")
    network.play(TakeRequest())
    with pytest.raises(ReadTimeout):
        driver.pool().request("GET", URL_A, extensions={"timeout": {"read": 1.0}})
    assert "receive_response_headers.failed exception=ReadTimeout(" in caplog.text
