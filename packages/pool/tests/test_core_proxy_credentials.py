"""Credentials: which proxy hears them, and that nobody else does."""

import base64
import logging

import pytest
from driving import (
    HOST,
    URL_A,
    URL_TLS,
    Driver,
    reply,
)
from proxy_kinds import (
    BASIC,
    KINDS,
    NAME,
    PASSWORD,
    SPELLED,
    hears_connect,
    hears_socks5,
    through,
)
from script_steps import (
    End,
    Give,
    Take,
    TakeBytes,
    TakeRequest,
)
from scripted import Network

from httpcore_interface import (
    ProxyError,
    RemoteProtocolError,
)
from httpcore_pool import Proxy


def test_http_proxy_hears_the_credentials_and_the_origin_does_not(
    driver: Driver, network: Network
) -> None:
    network.play(
        *hears_connect(HOST, 443, b"Proxy-Authorization: " + BASIC),
        TakeRequest(),
        Give(reply()),
    )
    through(driver, Proxy(f"http://{SPELLED}@proxy.test")).request("GET", URL_TLS)
    assert network.connections[0].requests[-1].headers == [(b"Host", HOST)]


def test_forwarding_proxy_hears_the_credentials(driver: Driver, network: Network) -> None:
    network.answer(reply())
    through(driver, Proxy("http://proxy.test", auth=(NAME, PASSWORD))).request("GET", URL_A)
    request = network.connections[0].requests[0]
    assert request.header(b"proxy-authorization") == BASIC


def test_socks5_proxy_hears_the_credentials(driver: Driver, network: Network) -> None:
    network.play(
        Take(b"\x05\x02\x02\x00"),
        Give(b"\x05\x02"),
        Take(b"\x01\x04user" + bytes([len(PASSWORD)]) + PASSWORD),
        Give(b"\x01\x00"),
        *hears_socks5(HOST, 443)[2:],
        TakeRequest(),
        Give(reply()),
    )
    through(driver, Proxy(f"socks5://{SPELLED}@proxy.test")).request("GET", URL_TLS)


@pytest.mark.parametrize("name", ["http", "https", "socks5", "socks4a"])
@pytest.mark.parametrize("url", [URL_A, URL_TLS])
def test_credentials_are_never_shown(
    driver: Driver,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    name: str,
    url: str,
) -> None:
    secrets = ("s3cr3t", base64.b64encode(b"whoami:s3cr3t").decode(), "whoami")
    proxy = Proxy(KINDS[name].url, auth=("whoami", "s3cr3t"))
    told, trace = driver.recorder()
    network.play(TakeBytes(1), Give(b"nonsense\r\n\r\n"), End())
    pool = through(driver, proxy)
    expected = (ProxyError, RemoteProtocolError)
    with caplog.at_level(logging.DEBUG, "httpcore"), pytest.raises(expected) as failure:
        pool.request("GET", url, extensions={"trace": trace})
    texts = [repr(proxy), repr(pool.face), repr(pool.face.connections), caplog.text]
    exc: BaseException | None = failure.value
    while exc is not None:
        texts.append(repr(exc) + str(exc))
        exc = exc.__cause__
    texts += [repr(event) for event in told if not event[0].startswith("http11.")]
    for text in texts:
        for secret in secrets:
            assert secret not in text
