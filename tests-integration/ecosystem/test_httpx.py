"""httpx 0.28: its client and its async client, over whatever it can be told to use."""

import collections.abc
import hashlib
import ssl
import subprocess
import sys

import anyio
import httpx
import pytest
from peers.blackhole import Blackhole
from peers.hypercorn import Hypercorn
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore
from tools.demo.proxy import Proxies

LARGE = bytes(range(256)) * 4_000
# The pool times out in the end where a test is wrong.
TIMEOUT = 30.0


def parts() -> collections.abc.Iterator[bytes]:
    for start in range(0, len(LARGE), 100_000):
        yield LARGE[start : start + 100_000]


async def async_parts() -> collections.abc.AsyncIterator[bytes]:
    for part in parts():
        yield part


def test_httpx_runs_on_this_httpcore() -> None:
    with httpx.Client() as client:
        assert isinstance(client._transport, httpx.HTTPTransport)
        assert type(client._transport._pool) is httpcore.ConnectionPool
    assert httpcore.__version__ >= "1.1.0"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_client(
    hypercorn: Hypercorn, ssl_context: ssl.SSLContext, http2: bool, is_tls: bool
) -> None:
    base = hypercorn.tls if is_tls else hypercorn.plain
    expected = "HTTP/2" if http2 and is_tls else "HTTP/1.1"
    with httpx.Client(
        base_url=base, verify=ssl_context, http2=http2, timeout=TIMEOUT
    ) as client:
        response = client.get("/echo", params={"a": "b"}, headers={"X-One": "1"})
        assert response.http_version == expected
        assert response.json()["query"] == "a=b"
        assert ["x-one", "1"] in response.json()["headers"]
        assert client.post("/echo", json={"a": 1}).json()["body"] == '{"a":1}'
        files = {"file": ("name.txt", b"content")}
        assert "content" in client.post("/echo", files=files).json()["body"]
        digest = client.put("/digest", content=parts()).json()
        assert digest == {"length": len(LARGE), "sha256": hashlib.sha256(LARGE).hexdigest()}
        with client.stream("GET", "/stream/50") as streamed:
            assert sum(map(len, streamed.iter_bytes())) == 50_000
        with client.stream("GET", "/stream/5000") as streamed:
            assert next(streamed.iter_raw())
        assert client.get("/status/404").status_code == 404
        assert client.get("/echo").elapsed.total_seconds() > 0


@pytest.mark.parametrize("library", ["asyncio", "trio"])
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_async_client(
    hypercorn: Hypercorn, ssl_context: ssl.SSLContext, http2: bool, library: str
) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(
            base_url=hypercorn.tls, verify=ssl_context, http2=http2, timeout=TIMEOUT
        ) as client:
            response = await client.get("/echo")
            assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
            digest = (await client.put("/digest", content=async_parts())).json()
            assert digest["sha256"] == hashlib.sha256(LARGE).hexdigest()
            async with client.stream("GET", "/stream/50") as streamed:
                assert sum([len(chunk) async for chunk in streamed.aiter_bytes()]) == 50_000
            codes: list[int] = []

            async def get(code: int) -> None:
                codes.append((await client.get(f"/status/{code}")).status_code)

            async with anyio.create_task_group() as tasks:
                for code in range(400, 420):
                    tasks.start_soon(get, code)
            assert sorted(codes) == list(range(400, 420))

    anyio.run(main, backend=library)


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_client_through_a_proxy(
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
    proxies: Proxies,
    kind: str,
    is_tls: bool,
) -> None:
    base = hypercorn.tls if is_tls else hypercorn.plain
    proxy = f"{kind}://127.0.0.1:{proxies.port}"
    with httpx.Client(proxy=proxy, verify=ssl_context, timeout=TIMEOUT) as client:
        assert client.get(base + "/echo").json()["path"] == "/echo"
        assert client.get(base + "/bytes/1000").content == b"x" * 1000
    assert proxies.asked

    async def main() -> None:
        async with httpx.AsyncClient(
            proxy=proxy, verify=ssl_context, timeout=TIMEOUT
        ) as client:
            assert (await client.get(base + "/echo")).json()["path"] == "/echo"

    anyio.run(main)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_proxy_that_asks_for_a_password(
    hypercorn: Hypercorn, ssl_context: ssl.SSLContext, guarded_proxies: Proxies, kind: str
) -> None:
    proxy = f"{kind}://somebody:wrong@127.0.0.1:{guarded_proxies.port}"
    with (
        httpx.Client(proxy=proxy, verify=ssl_context, timeout=TIMEOUT) as client,
        pytest.raises(httpx.ProxyError),
    ):
        client.get(hypercorn.tls + "/echo")


def test_client_over_a_unix_socket(hypercorn: Hypercorn) -> None:
    transport = httpx.HTTPTransport(uds=hypercorn.socket_path)
    with httpx.Client(transport=transport, timeout=TIMEOUT) as client:
        assert client.get("http://anywhere/echo").json()["path"] == "/echo"


def silent(conn: Conversation) -> None:
    conn.receive_request()
    assert not conn.has_more()


def test_errors_are_those_of_httpx(
    start_peer: StartPeer, blackhole: Blackhole, refusing_port: int, hypercorn: Hypercorn
) -> None:
    def hang_up(conn: Conversation) -> None:
        conn.receive_request()

    def nonsense(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(b"nonsense\r\n\r\n")

    with httpx.Client(timeout=TIMEOUT) as client:
        with pytest.raises(httpx.ConnectError):
            client.get(f"http://127.0.0.1:{refusing_port}/")
        with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending"):
            client.get(start_peer(hang_up).url())
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(start_peer(nonsense).url())
        with pytest.raises(httpx.UnsupportedProtocol):
            client.get("ftp://localhost/")
        with pytest.raises(httpx.LocalProtocolError, match="Illegal header value"):
            client.get(hypercorn.plain, headers=[(b"x", b"\0")])
        with pytest.raises(httpx.ConnectError):
            # Nobody has signed that for this client.
            client.get(hypercorn.tls)
    limited = httpx.Timeout(TIMEOUT, connect=0.05)
    with httpx.Client(timeout=limited) as client, pytest.raises(httpx.ConnectTimeout):
        client.get(f"http://127.0.0.1:{blackhole.port}/")
    limited = httpx.Timeout(TIMEOUT, read=0.05)
    with httpx.Client(timeout=limited) as client, pytest.raises(httpx.ReadTimeout):
        client.get(start_peer(silent).url())
    limits = httpx.Limits(max_connections=1)
    limited = httpx.Timeout(TIMEOUT, pool=0.05)
    with httpx.Client(timeout=limited, limits=limits) as client:
        with (
            client.stream("GET", hypercorn.plain + "/stream/1000"),
            pytest.raises(httpx.PoolTimeout),
        ):
            client.get(hypercorn.plain + "/echo")
        assert client.get(hypercorn.plain + "/echo").status_code == 200
        assert isinstance(client._transport, httpx.HTTPTransport)
        assert len(client._transport._pool._requests) == 0


def test_connections_are_kept_and_used_again(start_peer: StartPeer) -> None:
    def serve(conn: Conversation) -> None:
        for request in conn.each_request():
            conn.send(reply(request.target))

    peer = start_peer(serve)
    with httpx.Client(timeout=TIMEOUT) as client:
        for target in ("/0", "/1", "/2"):
            assert client.get(peer.url(target)).text == target
    assert peer.accepted == 1


def test_environment_chooses_the_proxy(
    hypercorn: Hypercorn, proxies: Proxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxies.port}")
    with httpx.Client(timeout=TIMEOUT) as client:
        assert client.get(hypercorn.plain + "/echo").status_code == 200
    assert proxies.asked


def test_command_line(hypercorn: Hypercorn) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import httpx; httpx.main()", hypercorn.plain + "/echo", "-v"],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert "Connected to" in done.stdout
    assert "HTTP/1.1 200" in done.stdout
