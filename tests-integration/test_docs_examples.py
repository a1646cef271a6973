"""The programs under docs/examples do what they say, on real sockets."""

import asyncio
import collections.abc
import contextlib
import hashlib
import importlib.util
import json
import pathlib
import re
import ssl
import threading
import types

import pytest
from example_site import BODY, ExampleSite, answers
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "examples"
OUTPUT = f"200\n{BODY.decode()}\n"
URLS = ["http://www.example.com/", "https://www.example.com/"]
TIMEOUT = {"timeout": {"connect": 20.0, "read": 20.0, "write": 20.0}}


def load(name: str) -> types.ModuleType:
    """Imports an example, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Not among the modules: nothing of one test is left for the next.
    spec.loader.exec_module(module)
    return module


def never_asked(conn: Conversation) -> None:
    """Is connected to, and hears nothing."""
    assert not conn.has_more()


def test_every_example_is_tested() -> None:
    source = pathlib.Path(__file__).read_text("utf-8")
    tested = set(re.findall(r'load\("(\w+)"\)', source))
    assert tested == {path.stem for path in FOLDER.glob("*.py")}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_example_says_how_it_is_called(path: pathlib.Path) -> None:
    module = load(path.stem)
    assert f"    python {path.name} " in (module.__doc__ or "")


# -- own_dns -----------------------------------------------------------------------------

WAYS = pytest.mark.parametrize("way", [[], ["--async"]], ids=["blocking", "async"])


@WAYS
def test_table_is_asked_before_the_resolver(
    start_peer: StartPeer, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    peer = start_peer(lambda conn: conn.send(answer_to(conn)))
    url = f"http://nowhere.invalid:{peer.port}/path"
    load("own_dns").main([*way, url, "Nowhere.Invalid=127.0.0.1"])
    assert capsys.readouterr().out == OUTPUT
    assert peer.requests[0].header(b"host") == b"nowhere.invalid:%d" % peer.port


def answer_to(conn: Conversation) -> bytes:
    conn.receive_request()
    return reply(BODY, 200, b"Connection: close")


@WAYS
def test_certificate_is_that_of_the_name_in_the_url(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    # At 127.0.0.1 it is found by the table, not by its name.
    url = f"https://www.example.com:{example_site.tls.port}/"
    load("own_dns").main([*way, url, "www.example.com=127.0.0.1"])
    assert capsys.readouterr().out == OUTPUT
    assert example_site.tls.connections[0].server_name == "www.example.com"


@WAYS
def test_name_that_is_not_in_the_table_is_resolved(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    load("own_dns").main([*way, "http://example.com/", "other.invalid=192.0.2.1"])
    assert capsys.readouterr().out == OUTPUT
    assert len(example_site.plain.requests) == 1


@pytest.mark.parametrize("entry", ["name", "=192.0.2.1", "name="])
def test_entry_of_the_table_needs_both(capsys: pytest.CaptureFixture[str], entry: str) -> None:
    with pytest.raises(SystemExit):
        load("own_dns").main(["http://example.com/", entry])
    assert "is not NAME=ADDRESS" in capsys.readouterr().err


def test_table_is_not_asked_about_unix_sockets(
    start_peer: StartPeer, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "server"
    start_peer(lambda conn: conn.send(answer_to(conn)), path=path)
    backend = load("own_dns").TableBackend({str(path): "192.0.2.1"})
    with httpcore.ConnectionPool(uds=str(path), network_backend=backend) as pool:
        assert pool.request("GET", "http://localhost/").content == BODY


# -- own_tls -----------------------------------------------------------------------------


@pytest.fixture
def fingerprint(authority: Authority) -> str:
    """That of every peer's certificate."""
    certificate = ssl.PEM_cert_to_DER_cert(first_certificate(authority.chain_file))
    return hashlib.sha256(certificate).hexdigest()


def first_certificate(chain_file: pathlib.Path) -> str:
    end = "-----END CERTIFICATE-----\n"
    return chain_file.read_text("ascii").partition(end)[0] + end


@WAYS
def test_server_with_the_fingerprint_is_talked_to(
    example_site: ExampleSite,
    capsys: pytest.CaptureFixture[str],
    fingerprint: str,
    way: list[str],
) -> None:
    pairs = ":".join(re.findall("..", fingerprint)).upper()
    for written in (fingerprint, pairs):
        load("own_tls").main([*way, "https://www.example.com/", written])
        assert capsys.readouterr().out == OUTPUT
    assert len(example_site.tls.requests) == 2


@WAYS
def test_server_with_another_fingerprint_hears_nothing(
    start_peer: StartPeer, authority: Authority, fingerprint: str, way: list[str]
) -> None:
    peer = start_peer(never_asked, tls=True)
    arguments = [*way, peer.url(), "00" * 32, "--trust", str(authority.root_file)]
    with pytest.raises(httpcore.ConnectError, match=fingerprint):
        load("own_tls").main(arguments)
    assert peer.accepted == 1
    assert not peer.requests


def test_handshake_with_somebody_else_leaves_nothing_open(
    start_peer: StartPeer, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(never_asked, tls=True)
    backend = load("own_tls").PinningBackend("00" * 32)
    stream = backend.connect_tcp("localhost", peer.port, timeout=20)
    assert stream.get_extra_info("socket") is not None
    with pytest.raises(httpcore.ConnectError, match="fingerprint"):
        stream.start_tls(ssl_context, "localhost", timeout=20)
    assert stream.get_extra_info("socket") is None


def test_async_handshake_with_somebody_else_leaves_nothing_open(
    start_peer: StartPeer, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(never_asked, tls=True)
    backend = load("own_tls").AsyncPinningBackend("00" * 32, httpcore.AsyncioBackend())

    async def connect() -> None:
        stream = await backend.connect_tcp("localhost", peer.port, timeout=20)
        assert stream.get_extra_info("socket") is not None
        with pytest.raises(httpcore.ConnectError, match="fingerprint"):
            await stream.start_tls(ssl_context, "localhost", timeout=20)
        assert stream.get_extra_info("socket") is None

    asyncio.run(connect())


@WAYS
def test_fingerprint_does_not_replace_trust(
    start_peer: StartPeer, authority: Authority, fingerprint: str, way: list[str]
) -> None:
    def refused(conn: Conversation) -> None:
        # How it learns of that depends on who is faster.
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            conn.start_tls(authority.server_context())
            never_asked(conn)

    peer = start_peer(refused)
    with pytest.raises(httpcore.ConnectError, match=r"(?i)certificate"):
        load("own_tls").main([*way, peer.url(scheme="https"), fingerprint])


@WAYS
def test_nothing_is_sent_without_tls(
    start_peer: StartPeer, fingerprint: str, way: list[str]
) -> None:
    peer = start_peer(never_asked)
    with pytest.raises((httpcore.WriteError, httpcore.ReadError), match="use https"):
        load("own_tls").main([*way, peer.url(), fingerprint])
    wait_until(lambda: peer.accepted == 1, "the connection is accepted")


@WAYS
def test_own_certificate_is_shown(
    start_peer: StartPeer,
    authority: Authority,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    fingerprint: str,
    way: list[str],
) -> None:
    def asks_for_certificate() -> ssl.SSLContext:
        context = authority.server_context()
        context.load_verify_locations(authority.root_file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    identity = tmp_path / "identity.pem"
    authority.issue_identity(identity)
    peer = start_peer(lambda conn: conn.send(answer_to(conn)), tls=asks_for_certificate)
    trust = ["--trust", str(authority.root_file)]
    load("own_tls").main([*way, peer.url(), fingerprint, *trust, "--identity", str(identity)])
    assert capsys.readouterr().out == OUTPUT


# -- debugging ---------------------------------------------------------------------------


@pytest.mark.parametrize("url", URLS)
def test_log_shows_every_operation_with_its_time_and_bytes(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    load("debugging").main([url])
    out, log = capsys.readouterr()
    assert out == OUTPUT
    operations = re.findall(r"(?m)^ *\d+\.\d{4} #1 (\w+)\(.*\) \d+\.\d ms", log)
    handshake = ["start_tls"] if url.startswith("https") else []
    assert operations == ["connect_tcp", *handshake, "write", "read", "close"]
    assert dumped(log, "write") == bytes(received(example_site))
    assert dumped(log, "read") == reply(BODY)
    assert "|GET / HTTP/1.1..|" in log
    if handshake:
        assert re.search(r"start_tls\('www.example.com'\) .* ms: TLSv1\.\d, ", log)


def received(site: ExampleSite) -> bytearray:
    [conn] = [*site.plain.connections, *site.tls.connections]
    return conn.received


def dumped(log: str, operation: str) -> bytes:
    """Reads back what the log shows of an operation's bytes."""
    found, is_shown = bytearray(), False
    for line in log.splitlines():
        if dump := re.fullmatch(r"    ([0-9a-f]{8})  ((?:[0-9a-f]{2} ?)+) *\|.{1,16}\|", line):
            if is_shown:
                assert int(dump[1], 16) % 16 == 0
                found += bytes.fromhex(dump[2])
        else:
            is_shown = f" {operation}(" in line
    return bytes(found)


def test_log_tells_what_failed(
    refusing_port: int, start_peer: StartPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    example = load("debugging")
    with pytest.raises(httpcore.ConnectError):
        example.main([f"http://127.0.0.1:{refusing_port}/"])
    assert re.search(r"#1 connect_tcp\(.*\) .* ms failed: ConnectError\(", read_log(capsys))
    peer = start_peer(hangs_up)
    with pytest.raises(httpcore.RemoteProtocolError):
        example.main([peer.url()])
    assert "ms: the end of the stream" in read_log(capsys)


def hangs_up(conn: Conversation) -> None:
    conn.receive_request()


def read_log(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


# -- record_and_replay -------------------------------------------------------------------


@pytest.mark.parametrize("url", URLS)
def test_replay_returns_what_was_recorded(
    example_site: ExampleSite,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    url: str,
) -> None:
    example = load("record_and_replay")
    file = tmp_path / "traffic.jsonl"
    example.main(["record", url, str(file)])
    assert capsys.readouterr().out == OUTPUT
    assert len(example_site.requests) == 1
    forbid_sockets(monkeypatch)
    example.main(["replay", url, str(file)])
    assert capsys.readouterr().out == OUTPUT
    assert len(example_site.requests) == 1


def forbid_sockets(patch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> object:
        raise AssertionError(f"a replay has no use for the network: {arguments}")

    patch.setattr("socket.socket", refuse)
    patch.setattr("socket.getaddrinfo", refuse)


def test_recording_is_lines_of_json(
    start_peer: StartPeer,
    authority: Authority,
    example_site: ExampleSite,
    tmp_path: pathlib.Path,
) -> None:
    def negotiates() -> ssl.SSLContext:
        context = authority.server_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    example_site.tls = start_peer(answers, tls=negotiates)
    example, file = load("record_and_replay"), tmp_path / "traffic.jsonl"
    example.main(["record", "https://example.com/", str(file)])
    lines = file.read_text("utf-8").splitlines()
    connect, handshake, write, read, close = map(json.loads, lines)
    name = {"connection": 0, "name": "start_tls", "target": "example.com"}
    assert connect == {"connection": 0, "name": "connect", "target": "example.com:443"}
    assert handshake == name | {"protocol": "http/1.1"}
    assert write["octets"].encode("latin-1") == bytes(received(example_site))
    assert read["octets"].encode("latin-1") == reply(BODY)
    assert close == {"connection": 0, "name": "close"}


def test_handshake_is_replayed(ssl_context: ssl.SSLContext) -> None:
    example = load("record_and_replay")
    lines = [
        example.Event(0, "connect", target="a:1").to_line(),
        example.Event(0, "start_tls", target="a", protocol="h2").to_line(),
        example.Event(1, "connect", target="a:1").to_line(),
        example.Event(1, "start_tls", target="a").to_line(),
    ]
    backend = example.ReplayingBackend(lines)
    stream = backend.connect_tcp("a", 1).start_tls(ssl_context, "a")
    assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    with pytest.raises(Exception, match="a handshake with b, not a"):
        backend.connect_tcp("a", 1).start_tls(ssl_context, "b")


def test_replay_does_not_wait() -> None:
    # Longer than a test may take.
    load("record_and_replay").ReplayingBackend([]).sleep(3600)


Work = collections.abc.Callable[[httpcore.ConnectionPool], list[object]]


def record_and_replay(work: Work, file: pathlib.Path) -> tuple[list[object], list[object]]:
    """What comes of the same work, recorded and replayed."""
    example = load("record_and_replay")
    with file.open("w", encoding="utf-8") as target:
        backend = example.RecordingBackend(target)
        with httpcore.ConnectionPool(network_backend=backend) as pool:
            recorded = work(pool)
    with file.open(encoding="utf-8") as source:
        backend = example.ReplayingBackend(source)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        return recorded, work(pool)


def test_connection_that_is_used_again_is_replayed(
    start_peer: StartPeer, tmp_path: pathlib.Path
) -> None:
    def answers_twice(conn: Conversation) -> None:
        for number, request in enumerate(conn.each_request()):
            conn.send(reply(b"%d %s" % (number, request.body)))
            if number == 1:
                return

    peer = start_peer(answers_twice)

    def work(pool: httpcore.ConnectionPool) -> list[object]:
        bodies = (b"a", bytes(range(256)) * 1000, b"c", b"d")
        return [
            pool.request("PUT", peer.url(), content=body, extensions=TIMEOUT).content
            for body in bodies
        ]

    recorded, replayed = record_and_replay(work, tmp_path / "traffic.jsonl")
    assert recorded == replayed
    assert peer.accepted == 2


def test_failures_are_replayed(
    start_peer: StartPeer, refusing_port: int, tmp_path: pathlib.Path
) -> None:
    def answers_half(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(BODY)[:-1])
        assert not conn.has_more()

    peer = start_peer(answers_half)
    urls = [peer.url(), *[f"http://127.0.0.1:{refusing_port}/"] * 2]

    def work(pool: httpcore.ConnectionPool) -> list[object]:
        failures: list[object] = []
        for url in urls:
            with pytest.raises((httpcore.NetworkError, httpcore.TimeoutException)) as caught:
                pool.request("GET", url, extensions={"timeout": {"read": 0.1}})
            failures.append((caught.type, str(caught.value)))
        return failures

    recorded, replayed = record_and_replay(work, tmp_path / "traffic.jsonl")
    assert recorded == replayed
    assert [re.findall(r"\w+Timeout|\w+Error", str(failure))[0] for failure in recorded] == [
        *("ReadTimeout", "ConnectError", "ConnectError")
    ]


def test_threads_are_recorded_line_by_line(
    example_site: ExampleSite, tmp_path: pathlib.Path
) -> None:
    file, found = tmp_path / "traffic.jsonl", []
    with file.open("w", encoding="utf-8") as target:
        backend = load("record_and_replay").RecordingBackend(target)
        with httpcore.ConnectionPool(network_backend=backend) as pool:

            def work() -> None:
                found.append(pool.request("GET", "http://example.com/").content)

            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert found == [BODY] * 8
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    numbers = {event["connection"] for event in events if event["name"] == "connect"}
    assert numbers == set(range(len(numbers)))
    assert sum(event["name"] == "write" for event in events) == 8


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/other", r"GET /other .* is written, but recorded is .*GET / "),
        ("http://www.example.com/", r"no further connection to www\.example\.com:80"),
        ("https://example.com/", r"no further connection to example\.com:443"),
    ],
)
def test_program_that_does_something_else_is_told(
    example_site: ExampleSite, tmp_path: pathlib.Path, url: str, message: str
) -> None:
    example = load("record_and_replay")
    file = tmp_path / "traffic.jsonl"
    example.main(["record", "http://example.com/", str(file)])
    with pytest.raises(Exception, match=message) as caught:
        example.main(["replay", url, str(file)])
    assert caught.type.__name__ == "ReplayError"


def test_second_request_is_more_than_was_recorded(
    example_site: ExampleSite, tmp_path: pathlib.Path
) -> None:
    example = load("record_and_replay")
    file = tmp_path / "traffic.jsonl"
    example.main(["record", "http://example.com/", str(file)])
    with file.open(encoding="utf-8") as source:
        backend = example.ReplayingBackend(source)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        assert pool.request("GET", "http://example.com/").content == BODY
        with pytest.raises(Exception, match=r"no further connection to example\.com:80"):
            pool.request("GET", "http://example.com/")


def test_replay_cuts_reads_and_writes_as_it_is_asked_to(tmp_path: pathlib.Path) -> None:
    example = load("record_and_replay")
    lines = [
        example.Event(0, "connect", target="a:1").to_line(),
        *(example.Event(0, "write", octets=octets).to_line() for octets in (b"ab", b"cdef")),
        example.Event(0, "read", octets=b"123").to_line(),
        example.Event(0, "close").to_line(),
    ]
    stream = example.ReplayingBackend(lines).connect_tcp("a", 1)
    assert not stream.get_extra_info("is_readable")
    stream.write(memoryview(b"abc"))
    stream.write(b"def")
    assert stream.get_extra_info("is_readable")
    assert [stream.read(2), stream.read(2), stream.read(2)] == [b"12", b"3", b""]
    stream.close()
    with pytest.raises(httpcore.ReadError):
        stream.read(1)
    with pytest.raises(httpcore.WriteError):
        stream.write(b"")
