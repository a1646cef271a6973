"""The Python on the pages of docs/ runs as it stands.

A block that begins with the name of a file is that file, for the blocks after it to import;
one of tests for the conformance kit is run by pytest; every other block is a program. The
pages of the guide have files of their own: see `test_docs_guide.py`.
"""

import collections.abc
import importlib
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from example_site import BODY, ExampleSite
from pages import DOCS, blocks_of, run
from peers.certificates import Authority
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

NETWORK_BACKENDS = (DOCS / "network-backends.md").read_text("utf-8")
PROXIES = (DOCS / "proxies.md").read_text("utf-8")
WRITE_YOUR_OWN = (DOCS / "write-your-own-backend.md").read_text("utf-8")


def name_of(block: str) -> str | None:
    """The name of the file that a block is, if it is one."""
    found = re.match(r"# (\w+\.py)\n", block)
    return found and found[1]


def block_with(page: str, *parts: str) -> str:
    """The one program on a page that has these parts in it."""
    found = [
        block
        for block in blocks_of(page)
        if not name_of(block) and all(part in block for part in parts)
    ]
    assert len(found) == 1
    return found[0]


FILES = {name: block for block in blocks_of(WRITE_YOUR_OWN) if (name := name_of(block))}
KIT_TESTS = [name for name in FILES if name.startswith("test_")]
PROXY_PROGRAMS = [
    pytest.param(block, id=f"proxies:{number}")
    for number, block in enumerate(blocks_of(PROXIES))
]
PROGRAMS = [
    pytest.param(block, id=f"{title}:{number}")
    for title, page in [
        ("network-backends", NETWORK_BACKENDS),
        ("write-your-own-backend", WRITE_YOUR_OWN),
    ]
    for number, block in enumerate(blocks_of(page))
    if not name_of(block)
]


@pytest.fixture
def files(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> collections.abc.Iterator[pathlib.Path]:
    """Where the files of the page are, which can be imported; programs run there."""
    for name, block in FILES.items():
        (tmp_path / name).write_text(block, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_there_are_pages_and_programs() -> None:
    assert len(blocks_of(NETWORK_BACKENDS)) == 10
    assert len(PROGRAMS) == 10 + 5
    assert len(FILES) == 4 + len(KIT_TESTS)
    assert len(KIT_TESTS) == 2
    assert len(PROXY_PROGRAMS) == 10


@pytest.mark.parametrize("block", PROGRAMS)
def test_program_runs(
    example_site: ExampleSite,
    files: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    block: str,
) -> None:
    run(block, example_site)
    output = printed(capsys)
    assert bool(output) == ("print(" in block or "stdout" in block)
    # A program without a mock has spoken to the site.
    assert bool(example_site.requests) == ("Mock" not in block)
    if "print(response)" in block and "network_stream" not in block:
        assert output == "<Response [200]>\n"


def test_request_by_hand_gets_the_response_as_it_was_sent(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(NETWORK_BACKENDS, "network_stream.write"), example_site)
    pieces = [eval(line) for line in printed(capsys).splitlines()]
    assert b"".join(pieces) == reply(BODY)


def test_request_by_hand_may_lack_its_last_line(
    start_peer: StartPeer, example_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    # One b"" less, and the head does not end: the bytes go out all the same, and it is for
    # the server to lose patience.
    block = block_with(NETWORK_BACKENDS, "network_stream.write")
    shorter = block.replace('b"",\n        b"",\n', 'b"",\n')
    assert shorter != block

    def answers_early(conn: Conversation) -> None:
        while conn.receive_line() != b"Connection: close":
            pass
        conn.send(reply(b"", 408))

    example_site.tls = start_peer(answers_early, tls=True)
    run(shorter, example_site)
    assert printed(capsys).startswith("b'HTTP/1.1 408 ")


def test_mocked_response_is_printed(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(NETWORK_BACKENDS, "Content-Length: 13"), example_site)
    assert printed(capsys) == "b'HTTP/1.1'\n200\nb'Hello, world!'\n"


@pytest.mark.parametrize("maker", ["hyperframe", "http2_response"])
def test_mocked_frames_are_a_response(
    example_site: ExampleSite, capsys: pytest.CaptureFixture[str], maker: str
) -> None:
    run(block_with(NETWORK_BACKENDS, "http2=True", maker), example_site)
    assert printed(capsys).split() == ["b'HTTP/2'", "200", "b'Hello,", "world!'"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_recording_has_what_the_server_sent(
    example_site: ExampleSite, files: pathlib.Path, scheme: str
) -> None:
    block = block_with(NETWORK_BACKENDS, "RecordingNetworkBackend")
    run(block.replace("https:", f"{scheme}:"), example_site)
    assert (files / "network-recording").read_bytes() == reply(BODY)
    served = {"http": example_site.plain, "https": example_site.tls}
    assert len(served[scheme].requests) == 1


def test_own_resolver_is_asked(
    example_site: ExampleSite, files: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(WRITE_YOUR_OWN, "device.invalid"), example_site)
    assert printed(capsys) == "200\ncannot resolve 'device.invalid': nobody has this name\n"
    [request] = example_site.plain.requests
    assert request.header(b"host") == b"device.local:%d" % example_site.plain.port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%eth0"])
def test_own_resolver_is_not_asked_for_an_address(files: pathlib.Path, host: str) -> None:
    mock = httpcore.MockBackend([])
    asked: list[str] = []
    backend = importlib.import_module("resolving_backend").ResolvingBackend(
        lambda host, timeout: asked.append(host), mock
    )
    backend.connect_tcp(host, 80)
    assert mock.connections[0].host == host
    assert not asked


def test_own_resolver_takes_time_from_the_connect(files: pathlib.Path) -> None:
    mock = httpcore.MockBackend([])
    given: list[float | None] = []

    def resolve(host: str, timeout: float | None) -> str:
        given.append(timeout)
        return "192.0.2.7"

    backend = importlib.import_module("resolving_backend").ResolvingBackend(resolve, mock)
    backend.connect_tcp("device.local", 80, timeout=60)
    backend.connect_tcp("device.local", 80)
    assert given == [60, None]
    first, second = (connection.timeout for connection in mock.connections)
    assert first is not None
    assert 0 < first < 60
    assert second is None


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TimeoutError(), httpcore.ConnectTimeout),
        (OSError("unknown"), httpcore.ConnectError),
        (UnicodeError("no name"), httpcore.ConnectError),
    ],
)
def test_failure_of_own_resolver_is_one_of_the_contract(
    files: pathlib.Path, failure: Exception, expected: type[Exception]
) -> None:
    def resolve(host: str, timeout: float | None) -> str:
        raise failure

    backend = importlib.import_module("resolving_backend").ResolvingBackend(resolve)
    with pytest.raises(expected) as caught:
        backend.connect_tcp("device.local", 80, timeout=60)
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize("host", ["", "127.0.0.1\0.example"])
def test_what_is_no_name_is_not_resolved(files: pathlib.Path, host: str) -> None:
    backend = importlib.import_module("resolving_backend").ResolvingBackend(None)
    with pytest.raises(httpcore.ConnectError, match="is not the name of a host"):
        backend.connect_tcp(host, 80)


@pytest.mark.parametrize("backend", ["HexDumpBackend(sys.stdout", "AsyncTapBackend(tap"])
def test_dump_has_every_byte_in_both_directions(
    example_site: ExampleSite,
    files: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    backend: str,
) -> None:
    run(block_with(WRITE_YOUR_OWN, backend), example_site)
    output = printed(capsys)
    [shown] = blocks_of(WRITE_YOUR_OWN, "text")
    assert output.startswith(shown)
    dumped = {">": b"", "<": b""}
    for line in output.splitlines():
        direction, offset, row = line[0], line[2:10], line[12:59]
        assert int(offset, 16) == len(dumped[direction])
        dumped[direction] += bytes.fromhex(row)
    [conn] = example_site.tls.connections
    assert dumped == {">": bytes(conn.received), "<": reply(BODY)}


# -- proxies -----------------------------------------------------------------------------


@pytest.fixture
def proxy_certificate(
    authority: Authority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that the page has, where programs run."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(authority.root_file, "proxy.pem")


@pytest.mark.usefixtures("proxy_certificate")
@pytest.mark.parametrize("block", PROXY_PROGRAMS)
def test_program_goes_through_the_proxies(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str], block: str
) -> None:
    run(block, proxied_site)
    responses = printed(capsys).count("<Response [200]>\n")
    assert responses == block.count("print(response)")
    # Each response was asked for once, and by a proxy for whoever asked.
    assert len(proxied_site.requests) == 1
    for name, proxies in proxied_site.proxies.items():
        assert bool(proxies.asked) == (name in block)


def test_everything_is_tunnelled_if_the_page_says_so(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    block = block_with(PROXIES, "tunnel=True")
    run(block, proxied_site)
    run(block.replace(", tunnel=True", ""), proxied_site)
    assert proxied_site.proxies["proxy.example.com"].asked == [
        "CONNECT www.example.com:80",
        "GET http://www.example.com/",
    ]


@pytest.mark.usefixtures("proxy_certificate")
def test_context_is_for_the_proxy(proxied_site: ExampleSite) -> None:
    block = block_with(PROXIES, "proxy.pem")
    assert 'cafile="proxy.pem"' in block
    with pytest.raises(httpcore.ConnectError, match="certificate"):
        run(block.replace('cafile="proxy.pem"', ""), proxied_site)


def test_names_are_resolved_by_socks4a_alone(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(PROXIES, "socks4a://"), proxied_site)
    assert proxied_site.proxies["proxy.example.com"].asked == ["SOCKS4 www.example.com:80"]
    assert "if it speaks SOCKS4a, write socks4a://" in printed(capsys)


def test_chain_is_passed_in_order(proxied_site: ExampleSite) -> None:
    run(block_with(PROXIES, "via="), proxied_site)
    assert [proxies.asked for proxies in proxied_site.proxies.values()] == [
        ["SOCKS5 guarded.example.com:3129"],
        ["CONNECT www.example.com:443"],
    ]


def test_credentials_are_not_shown(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(PROXIES, "me:secret@"), proxied_site)
    shown, _ = printed(capsys).splitlines()
    assert f"`{shown}`" in PROXIES


def test_refusal_is_answered(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(PROXIES, "exc.status != 407"), proxied_site)
    assert printed(capsys) == blocks_of(PROXIES, "text")[0]


def test_steps_are_told_as_the_page_has_them(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with(PROXIES, "def trace"), proxied_site)
    assert printed(capsys).startswith(blocks_of(PROXIES, "text")[1])


@pytest.mark.parametrize(
    ("url", "column"),
    [
        ("https://proxy.example.com:3129", 0),
        ("socks5://proxy.example.com", 1),
        ("socks4a://proxy.example.com", 2),
    ],
)
def test_steps_are_those_of_the_table(
    proxied_site: ExampleSite, capsys: pytest.CaptureFixture[str], url: str, column: int
) -> None:
    block = block_with(PROXIES, "def trace")
    run(block.replace("https://proxy.example.com:3129", url), proxied_site)
    told = [line for line in printed(capsys).splitlines() if not line.startswith("http11.")]
    table = PROXIES.partition("| | HTTP proxy | SOCKS5 |")[2].partition("\n\n")[0]
    cells = [row.split("|")[2 + column].strip(" `") for row in table.splitlines()[2:]]
    assert told == [f"{name}.complete" for name in cells if name]


# -- the conformance kit -------------------------------------------------------------------


def run_kit(files: pathlib.Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(files)]
    done = subprocess.run(
        [*command, "-q", "-p", "no:cacheprovider", *options],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", KIT_TESTS)
def test_kit_takes_the_tests(files: pathlib.Path, name: str) -> None:
    assert len(run_kit(files, "--collect-only", name).splitlines()) > 100


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", KIT_TESTS)
def test_backend_keeps_the_contract(files: pathlib.Path, name: str) -> None:
    assert " passed" in run_kit(files, name)


# -- links -------------------------------------------------------------------------------

PAGES = [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def anchor_of(heading: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"(?m)^#+ (.*)$", target.read_text("utf-8"))
            assert anchor in map(anchor_of, headings), link


def test_pages_can_be_found() -> None:
    for page in (DOCS.parent / "README.md", DOCS / "architecture.md"):
        text = page.read_text("utf-8")
        assert "network-backends.md" in text
        assert "write-your-own-backend.md" in text
        assert "proxies.md" in text
    assert {path.name for path in (DOCS / "examples").glob("*.py")} == set(
        re.findall(r"\(examples/(\w+\.py)\)", NETWORK_BACKENDS)
    )
