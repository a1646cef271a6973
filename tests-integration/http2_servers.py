"""Real servers that speak HTTP/2, each behind the same face, plain and over TLS."""

import collections.abc
import dataclasses
import hashlib
import json
import ssl

import pytest
from colours import Pool, PoolOptions, Response
from peers import nghttpd as nghttpd_server
from peers import nginx as nginx_server
from peers.hypercorn import Hypercorn
from peers.nghttpd import Nghttpd
from peers.nginx import Nginx

Check = collections.abc.Callable[[Response, bytes], None]


@dataclasses.dataclass(frozen=True)
class Server:
    """One way to a server, and what it has.

    Args:
        url: Where it is, without a slash at the end.
        small: What is at `small_target`.
        medium: What is at `medium_target`.
        upload_target: Takes a POST.
        check_upload: Makes sure that the response to that is the one to a body.
        speaks_http1: Whether it speaks HTTP/1.1 as well.
    """

    url: str
    small_target: str
    small: bytes
    medium_target: str
    medium: bytes
    upload_target: str
    check_upload: Check
    speaks_http1: bool

    @property
    def small_url(self) -> str:
        return self.url + self.small_target

    @property
    def medium_url(self) -> str:
        return self.url + self.medium_target

    def options(self, ssl_context: ssl.SSLContext) -> PoolOptions:
        """What a pool is made with: in the clear it has to know beforehand."""
        if self.url.startswith("https:"):
            return {"ssl_context": ssl_context, "http2": True}
        return {"http1": False, "http2": True}


NAMES = [
    *("hypercorn-plain", "hypercorn-tls"),
    *("nginx-plain", "nginx-tls"),
    *("nghttpd-plain", "nghttpd-tls"),
]
PARAMS = [
    *NAMES[:2],
    *(pytest.param(name, marks=pytest.mark.nginx) for name in NAMES[2:4]),
    *(pytest.param(name, marks=pytest.mark.nghttpd) for name in NAMES[4:]),
]


def find(request: pytest.FixtureRequest) -> Server:
    """Returns the server that the parameter of a fixture names; starts it if need be."""
    name, _, way = str(request.param).partition("-")
    running: Hypercorn | Nginx | Nghttpd = request.getfixturevalue(name)
    if isinstance(running, Hypercorn):
        url = running.plain if way == "plain" else running.tls
        return Server(
            url=url,
            small_target="/bytes/9",
            small=b"x" * 9,
            medium_target="/bytes/1000000",
            medium=b"x" * 1_000_000,
            upload_target="/digest",
            check_upload=_check_digest,
            speaks_http1=True,
        )
    medium = (running.files / "medium.bin").read_bytes()
    if isinstance(running, Nginx):
        return Server(
            url=running.http2 if way == "plain" else running.http2_tls,
            small_target="/small.txt",
            small=nginx_server.SMALL,
            medium_target="/medium.bin",
            medium=medium,
            upload_target="/discard",
            check_upload=_check_nothing,
            speaks_http1=way == "tls",
        )
    return Server(
        url=running.plain if way == "plain" else running.tls,
        small_target="/small.txt",
        small=nghttpd_server.SMALL,
        medium_target="/medium.bin",
        medium=medium,
        upload_target="/echo",
        check_upload=_check_echo,
        speaks_http1=False,
    )


def _check_digest(response: Response, body: bytes) -> None:
    expected = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert json.loads(response.content) == expected


def _check_nothing(response: Response, body: bytes) -> None:
    assert (response.status, response.content) == (204, b"")


def _check_echo(response: Response, body: bytes) -> None:
    assert response.status == 200
    # Not `==` in the assertion: pytest would show the difference of megabytes.
    is_equal = response.content == body
    assert is_equal, f"{len(response.content)} bytes came back of {len(body)}"


def assert_quiet(pool: Pool, opened: int = 1) -> None:
    """Makes sure that nothing goes on, over as many connections as expected."""
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued, stats.active) == (0, 0, 0)
    assert stats.opened == opened
