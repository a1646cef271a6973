"""What is told of the way through a proxy."""

import logging

import pytest
from driving import (
    HOST,
    URL_TLS,
    Driver,
)
from proxy_kinds import (
    ServeThrough,
    each_name,
    proxy_of,
    through,
    whole,
)
from scripted import Network

EVENTS = {
    "http": ["connection.connect_tcp", "proxy.connect", "proxy.start_tls"],
    "https": [
        "connection.connect_tcp",
        "connection.start_tls",
        "proxy.connect",
        "proxy.start_tls",
    ],
    "socks5": ["socks5.connect_tcp", "socks5.setup_socks5_connection", "socks5.start_tls"],
    "socks5h": ["socks5.connect_tcp", "socks5.setup_socks5_connection", "socks5.start_tls"],
    "socks4a": ["socks4.connect_tcp", "socks4.setup_socks4_connection", "socks4.start_tls"],
}


@each_name
def test_every_step_is_told(driver: Driver, network: Network, name: str) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    told, trace = driver.recorder()
    through(driver, proxy_of(name)).request("GET", URL_TLS, extensions={"trace": trace})
    names = [event for event, _ in told if not event.startswith("http11.")]
    assert names == [
        f"{event}.{when}" for event in EVENTS[name] for when in ("started", "complete")
    ]
    [info] = [
        info
        for event, info in told
        if event.endswith((".connect.started", "_connection.started"))
    ]
    assert info == {"host": HOST, "port": 443, "timeout": None}


@pytest.mark.parametrize(
    ("name", "logger"), [("http", "httpcore.proxy"), ("socks5", "httpcore.socks")]
)
def test_loggers_of_proxies_write_by_themselves(
    driver: Driver,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    name: str,
    logger: str,
) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    with caplog.at_level(logging.DEBUG, logger):
        through(driver, proxy_of(name)).request("GET", URL_TLS)
    assert {record.name for record in caplog.records} == {logger}
