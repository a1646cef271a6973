"""Heads, trailers and interim responses, as users see them."""

import pytest
from driving import URL_A, Driver, Extensions
from http2_peer import REFUSED, Call, Fields, Peer, echo, serve, shared_pool
from scripted import Network

from httpcore_interface import LocalProtocolError, RemoteProtocolError
from httpcore_pool import Request


def sent(driver: Driver, network: Network, headers: Fields, url: str = URL_A) -> Fields:
    """What the server gets of a request's fields."""
    peers = serve(network, echo)
    shared_pool(driver).request("GET", url, headers=headers)
    return peers.calls[0].fields


def test_host_becomes_the_authority(driver: Driver, network: Network) -> None:
    assert sent(driver, network, [(b"Host", b"mine.test"), (b"X-One", b"1")]) == [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", b"mine.test"),
        (b":path", b"/"),
        (b"x-one", b"1"),
    ]


def test_authority_is_the_url_s_without_a_host(driver: Driver, network: Network) -> None:
    fields = sent(driver, network, [], "http://example.test:8080/a?b=c")
    assert (b":authority", b"example.test:8080") in fields
    assert (b":path", b"/a?b=c") in fields


def test_fields_of_the_connection_are_left_out(driver: Driver, network: Network) -> None:
    fields = sent(
        driver,
        network,
        [
            (b"Connection", b"close, X-Hop"),
            (b"Keep-Alive", b"5"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Upgrade", b"h2c"),
            (b"X-Hop", b"1"),
            (b"TE", b"gzip"),
            (b"X-Kept", b"1"),
        ],
    )
    assert [field for field in fields if not field[0].startswith(b":")] == [(b"x-kept", b"1")]


@pytest.mark.parametrize("field", [(b"X", b"a\nb"), (b"X Y", b"1"), (b"X", b" a")])
def test_invalid_field_is_refused_and_harms_nothing(
    driver: Driver, network: Network, field: tuple[bytes, bytes]
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    with pytest.raises(LocalProtocolError):
        pool.request("GET", URL_A, headers=[field])
    assert pool.request("GET", URL_A).body == b"/"
    assert len(peers) == 1


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", 200, b"10"), ("GET", 304, b"10"), ("GET", 204, None)],
)
def test_response_without_a_body(
    driver: Driver, network: Network, method: str, status: int, length: bytes | None
) -> None:
    fields = [] if length is None else [(b"content-length", length)]
    serve(network, lambda peer, call: peer.respond(call, b"", status, *fields))
    pool = shared_pool(driver)
    response = pool.request(method, URL_A)
    assert (response.status, response.body, response.headers) == (status, b"", fields)
    assert pool.is_quiet


def test_response_tells_of_its_protocol(driver: Driver, network: Network) -> None:
    serve(network, echo)
    pool = shared_pool(driver)
    numbers = [pool.request("GET", URL_A).extension("stream_id") for _ in range(2)]
    assert numbers == [1, 3]
    response = pool.request("GET", URL_A)
    assert response.extension("http_version") == b"HTTP/2"
    assert "HTTP/2, IDLE, Request Count: 3" in repr(pool.face.connections[0])


def test_trailers_of_a_response(driver: Driver, network: Network) -> None:
    trailers = [(b"grpc-status", b"0"), (b"x", b"y")]
    serve(network, lambda peer, call: peer.respond(call, b"body", trailers=trailers))
    response = shared_pool(driver).request("GET", URL_A)
    assert response.body == b"body"
    assert response.extension("trailing_headers") == trailers


@pytest.mark.parametrize("content", [b"", b"body"])
def test_trailers_of_a_request(driver: Driver, network: Network, content: bytes) -> None:
    peers = serve(network, echo)
    extensions: Extensions = {"trailing_headers": [(b"X-Sum", b"42")]}
    response = shared_pool(driver).request(
        "POST", URL_A, content=content, extensions=extensions
    )
    assert response.body == b"/" + content
    assert peers.calls[0].trailers == [(b"x-sum", b"42")]


def test_invalid_trailers_harm_nothing(driver: Driver, network: Network) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    with pytest.raises(LocalProtocolError):
        pool.request(
            "POST", URL_A, content=b"body", extensions={"trailing_headers": [(b":path", b"/")]}
        )
    assert pool.request("GET", URL_A).body == b"/"
    assert len(peers) == 1


def with_hints(peer: Peer, call: Call) -> None:
    peer.head(call, 103, (b"link", b"</style.css>"))
    peer.head(call, 103)
    peer.respond(call, b"body")


def test_interim_responses_are_told_to_the_trace(driver: Driver, network: Network) -> None:
    serve(network, with_hints)
    told, trace = driver.recorder()
    response = shared_pool(driver).request("GET", URL_A, extensions={"trace": trace})
    assert (response.status, response.body) == (200, b"body")
    interim = [info for name, info in told if "interim" in name]
    assert interim == [
        {"return_value": (103, [(b"link", b"</style.css>")])},
        {"return_value": (103, [])},
    ]


def test_trace_tells_of_everything_in_order(driver: Driver, network: Network) -> None:
    serve(network, echo)
    told, trace = driver.recorder()
    shared_pool(driver).request("POST", URL_A, content=b"body", extensions={"trace": trace})
    names = [name for name, _ in told if name.endswith(".complete")]
    assert names == [
        "connection.connect_tcp.complete",
        "http2.send_connection_init.complete",
        "http2.send_request_headers.complete",
        "http2.send_request_body.complete",
        "http2.receive_remote_settings.complete",
        "http2.receive_response_headers.complete",
        "http2.receive_response_body.complete",
        "http2.response_closed.complete",
    ]


def test_facts_of_the_trace_are_those_of_each_operation(
    driver: Driver, network: Network
) -> None:
    serve(network, echo)
    pool = shared_pool(driver)
    for number in (1, 3):
        told, trace = driver.recorder()
        request = Request("POST", URL_A, content=b"body", extensions={"trace": trace})
        pool.send(request).read()
        facts = dict(told)
        both = {"request": request, "stream_id": number}
        assert facts["http2.send_request_headers.started"] == both
        assert facts["http2.send_request_body.started"] == both
        assert facts["http2.receive_response_headers.started"] == both
        assert facts["http2.receive_response_headers.complete"] == {"return_value": (200, [])}
        assert facts["http2.receive_response_body.started"] == both
        assert facts["http2.response_closed.started"] == {"stream_id": number}
        # The server said it once.
        assert ("http2.receive_remote_settings.complete" in facts) == (number == 1)
        if number == 1:
            assert facts["http2.receive_remote_settings.started"] == {}
            settings = facts["http2.receive_remote_settings.complete"]["return_value"]
            assert "most_streams=None" in repr(settings)


def test_failed_request_is_told_to_be_closed(driver: Driver, network: Network) -> None:
    serve(network, lambda peer, call: peer.reset(call, REFUSED))
    told, trace = driver.recorder()
    with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM"):
        driver.connection(http1=False, http2=True).request(
            "GET", URL_A, extensions={"trace": trace}
        )
    assert told[-2:] == [
        ("http2.response_closed.started", {"stream_id": 1}),
        ("http2.response_closed.complete", {"return_value": None}),
    ]
