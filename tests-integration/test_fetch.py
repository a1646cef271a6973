"""fetch through proxies: what it prints, and what it never prints."""

import collections.abc
import contextlib
import ssl
import typing

import pytest
import trustme
from peers.certificates import Authority
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

from tools.demo.proxy import Proxies, running_proxies
from tools.fetch.__main__ import main

SCHEMES = ("http", "https", "socks5", "socks5h", "socks4a")
AUTH = (b"whoami", b"s3cr/t@")
SPELLED = "whoami:s3cr%2Ft%40@"


class RunFetch(typing.Protocol):
    """Runs the program; returns the exit code, and what it prints on both streams."""

    def __call__(self, *arguments: str) -> tuple[int, str, str]: ...


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"Hello, world!"))


@pytest.fixture
def proxies(no_socket_is_left: None, authority: Authority) -> collections.abc.Iterator[Proxies]:
    with running_proxies(authority.server_context(), AUTH) as proxies:
        yield proxies


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], authority: Authority) -> RunFetch:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--cacert", str(authority.root_file)])
        printed = capfdbinary.readouterr()
        for secret in (b"s3cr", b"whoami"):
            assert secret not in printed.out + printed.err
        return code, printed.out.decode(), printed.err.decode()

    return run


def with_user(url: str, user: str = SPELLED) -> str:
    return url.replace("://", f"://{user}")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tls", [False, True])
def test_response_comes_through_the_proxy(
    start_peer: StartPeer, proxies: Proxies, run: RunFetch, scheme: str, *, tls: bool
) -> None:
    peer = start_peer(answers, tls=tls)
    code, out, err = run(peer.url(), "--proxy", with_user(proxies.url(scheme)))
    assert (code, err) == (0, "")
    assert out.startswith("HTTP/1.1 200 Whatever\n")
    assert out.endswith("\n\nHello, world!")
    assert len(proxies.asked) == 1
    assert peer.requests[0].header(b"proxy-authorization") is None


def test_password_need_not_be_escaped(
    start_peer: StartPeer, proxies: Proxies, run: RunFetch
) -> None:
    url = with_user(proxies.url("http"), "whoami:s3cr/t@@")
    assert run(start_peer(answers).url(), "--proxy", url)[0] == 0


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        ("http", "407 Proxy Authentication Required (--proxy takes USER:PASSWORD@"),
        ("socks5", "Invalid username/password"),
    ],
)
def test_refusal_is_one_line(proxies: Proxies, run: RunFetch, scheme: str, reason: str) -> None:
    url = with_user(proxies.url(scheme), "whoami:s3cret@")
    code, out, err = run("https://localhost/", "--proxy", url)
    assert (code, out) == (1, "")
    [line] = err.splitlines()
    where = f"127.0.0.1 port {proxies.port}"
    assert line.startswith(f"fetch: no way through the proxy {where}: {reason}")


def test_answer_of_a_proxy_that_forwards_is_a_response(proxies: Proxies, run: RunFetch) -> None:
    code, out, _ = run("http://localhost/", "--proxy", proxies.url("http"))
    assert code == 0
    assert out.startswith("HTTP/1.1 407 Proxy Authentication Required\n")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_proxy_that_is_not_there_is_named(
    refusing_port: int, run: RunFetch, scheme: str
) -> None:
    url = f"{scheme}://{SPELLED}127.0.0.1:{refusing_port}"
    code, out, err = run("https://localhost/", "--proxy", url)
    assert (code, out) == (1, "")
    assert err == (
        f"fetch: cannot connect to the proxy 127.0.0.1 port {refusing_port}: "
        "Connection refused\n"
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_certificate_is_that_of_the_origin_or_of_the_proxy(
    start_peer: StartPeer, proxies: Proxies, run: RunFetch, scheme: str
) -> None:
    def has_a_strangers_certificate(conn: Conversation) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            conn.start_tls(context)

    peer = start_peer(has_a_strangers_certificate)
    url = with_user(proxies.url(scheme))
    code, _, err = run(peer.url(scheme="https"), "--proxy", url)
    assert code == 1
    # With TLS to the proxy it could be either's: the reason does not say.
    other = f" or the proxy 127.0.0.1 port {proxies.tls_port}" * (scheme == "https")
    where = f"127.0.0.1 port {peer.port}{other}"
    assert err.startswith(f"fetch: {where} has no valid certificate: ")


def test_silent_proxy_is_given_up(start_peer: StartPeer, run: RunFetch) -> None:
    def says_nothing(conn: Conversation) -> None:
        conn.wait_eof()

    peer = start_peer(says_nothing)
    url = f"http://{SPELLED}127.0.0.1:{peer.port}"
    code, _, err = run("https://localhost/", "--proxy", url, "--timeout", "0.5")
    assert code == 1
    assert err == (
        "fetch: could not connect to localhost port 443 through the proxy "
        f"127.0.0.1 port {peer.port} in time\n"
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("whoami:s3cret@proxy.test:3128", "does not begin with http://, https://, socks5://"),
        ("ftp://whoami:s3cret@proxy.test", "does not begin with"),
        ("http://whoami:s3cret@", "has no host"),
        ("http://whoami:s3cret@proxy.test:0", "has no port"),
        ("http://whoami:s3cret@proxy.test:port", "cannot be read"),
        ("http://whoami:s3cret@proxy.test:99999", "cannot be read"),
        ("http://whoami:s3cret@proxy test", "cannot be read"),
        ("http://whoami:s3cret@[::1", "cannot be read"),
        ("http://whoami:s3cret@..test", "cannot be read"),
        ("http://who%3Aami:s3cret@proxy.test", "cannot have a colon"),
    ],
)
def test_proxy_that_cannot_be_is_one_line(run: RunFetch, url: str, reason: str) -> None:
    code, out, err = run("http://localhost/", "--proxy", url)
    assert (code, out) == (1, "")
    [line] = err.splitlines()
    assert line.startswith("fetch: th")
    assert reason in line
