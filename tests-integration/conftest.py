"""Fixtures of every integration test: peers to talk to, and pools to talk with."""

import collections.abc
import contextlib
import gc
import os
import pathlib
import socket
import ssl
import sys

import pytest

# The peers are a package beside this file, the tools one at the root; pytest's importlib
# mode leaves the import path alone.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.append(str(pathlib.Path(__file__).parents[1]))

from colours import ASYNC_COLOURS, COLOURS, OpenAsyncPool, OpenBlockingPool, OpenPool
from example_site import PROXY_AUTH, PROXY_NAMES, ExampleSite
from http2_servers import NAMES
from loop_threads import LoopThread, start_loops
from open_sockets import open_sockets
from peers import dante as dante_server
from peers import hypercorn as hypercorn_server
from peers import nghttpd as nghttpd_server
from peers import nginx as nginx_server
from peers import squid as squid_server
from peers import tinyproxy as tinyproxy_server
from peers.blackhole import Blackhole
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.programs import require_program
from peers.starting import StartPeer

from tools.demo.proxy import Proxies, running_proxies

# Archives are tested with `hatch run release:tests`: elsewhere there is no twine.
IS_RELEASE = os.environ.get("HATCH_ENV_ACTIVE") == "release"
collect_ignore_glob = [] if IS_RELEASE else ["release/test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "colours(*names, reason): the colours in which the test makes sense"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "colour" not in metafunc.fixturenames:
        return
    colours: tuple[str, ...] = COLOURS
    mark = metafunc.definition.get_closest_marker("colours")
    if mark is not None:
        # On Windows there is one less.
        colours = tuple(name for name in COLOURS if name in mark.args)
        assert 0 < len(colours) < len(COLOURS)
        assert mark.kwargs["reason"]
    metafunc.parametrize("colour", colours, scope="function")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what takes minutes, unless it is asked for by `-m`."""
    for item in items:
        if _is_further_pair(item):
            item.add_marker("slow")
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def _is_further_pair(item: pytest.Item) -> bool:
    """Whether a test of every server in every colour has each of the two in other pairs.

    What differs between the servers is what the core reads, and between the colours who
    runs it. So each server has two colours, and each colour two servers: one plain, one
    over TLS, not of the same kind. The other pairs are slow in sum.
    """
    values = item.callspec.params if hasattr(item, "callspec") else {}
    if "http2_server" not in values:
        return False
    colour, server = COLOURS.index(values["colour"]), NAMES.index(values["http2_server"])
    return (colour - server) % len(NAMES) not in (0, len(NAMES) // 2)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def ssl_context(authority: Authority) -> ssl.SSLContext:
    return authority.client_context()


@pytest.fixture(scope="session")
def hypercorn(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> collections.abc.Iterator[hypercorn_server.Hypercorn]:
    folder = tmp_path_factory.mktemp("hypercorn")
    with hypercorn_server.running(folder, authority) as server:
        yield server


@pytest.fixture(scope="session")
def nginx_program() -> str:
    return require_program("nginx", package="nginx-light")


@pytest.fixture(scope="session")
def nginx(
    nginx_program: str, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> collections.abc.Iterator[nginx_server.Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    with nginx_server.running(nginx_program, folder, authority) as server:
        yield server


@pytest.fixture(scope="session")
def nghttpd_program() -> str:
    return require_program("nghttpd", package="nghttp2-server")


@pytest.fixture(scope="session")
def nghttpd(
    nghttpd_program: str, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> collections.abc.Iterator[nghttpd_server.Nghttpd]:
    folder = tmp_path_factory.mktemp("nghttpd")
    with nghttpd_server.running(nghttpd_program, folder, authority) as server:
        yield server


@pytest.fixture(scope="session")
def squid(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> collections.abc.Iterator[squid_server.Squid]:
    executable = require_program("squid", package="squid-openssl")
    folder = tmp_path_factory.mktemp("squid")
    with squid_server.running(executable, folder, authority) as server:
        yield server


@pytest.fixture(scope="session")
def tinyproxy(
    tmp_path_factory: pytest.TempPathFactory,
) -> collections.abc.Iterator[tinyproxy_server.Tinyproxy]:
    executable = require_program("tinyproxy", package="tinyproxy")
    with tinyproxy_server.running(executable, tmp_path_factory.mktemp("tinyproxy")) as server:
        yield server


@pytest.fixture(scope="session")
def dante(
    tmp_path_factory: pytest.TempPathFactory,
) -> collections.abc.Iterator[dante_server.Dante]:
    executable = require_program("danted", package="dante-server")
    dante_server.require_wrapper()
    with dante_server.running(executable, tmp_path_factory.mktemp("dante")) as server:
        yield server


# Before any test counts the open sockets: a loop has some of its own.
@pytest.fixture(scope="session")
def loops() -> collections.abc.Iterator[dict[str, LoopThread]]:
    loops = start_loops()
    yield loops
    for loop in loops.values():
        loop.stop()


@pytest.fixture(autouse=True)
def no_socket_is_left(loops: dict[str, LoopThread]) -> collections.abc.Iterator[None]:
    before = open_sockets()
    yield
    if open_sockets() - before:
        gc.collect()
        wait_until(lambda: not open_sockets() - before, "every socket is closed again")


@pytest.fixture
def collector_waits() -> collections.abc.Iterator[None]:
    """Leaves nothing to the collector."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def start_peer(
    no_socket_is_left: None, authority: Authority
) -> collections.abc.Iterator[StartPeer]:
    with contextlib.closing(StartPeer(authority)) as start:
        yield start


@pytest.fixture
def example_site(
    start_peer: StartPeer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> ExampleSite:
    """What this process finds at example.com."""
    site = ExampleSite(start_peer)
    site.open(monkeypatch, authority)
    return site


@pytest.fixture
def proxies(no_socket_is_left: None, authority: Authority) -> collections.abc.Iterator[Proxies]:
    with running_proxies(authority.server_context()) as proxies:
        yield proxies


@pytest.fixture
def guarded_proxies(
    no_socket_is_left: None, authority: Authority
) -> collections.abc.Iterator[Proxies]:
    """Proxies that ask for `PROXY_AUTH`."""
    with running_proxies(authority.server_context(), PROXY_AUTH) as proxies:
        yield proxies


@pytest.fixture
def proxied_site(
    example_site: ExampleSite, proxies: Proxies, guarded_proxies: Proxies
) -> ExampleSite:
    """The same, with proxies beside it."""
    example_site.proxies.update(zip(PROXY_NAMES, (proxies, guarded_proxies), strict=True))
    return example_site


@pytest.fixture
def refusing_port(no_socket_is_left: None) -> collections.abc.Iterator[int]:
    """A port where connections are refused: bound, but nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def blackhole(no_socket_is_left: None) -> collections.abc.Iterator[Blackhole]:
    with Blackhole() as hole:
        yield hole


# Pools close before peers do: a script that waits for the end of a connection
# comes to its end.
@pytest.fixture
def open_pool(
    start_peer: StartPeer, loops: dict[str, LoopThread], colour: str
) -> collections.abc.Iterator[OpenPool]:
    if colour == "blocking":
        with contextlib.ExitStack() as stack:
            yield OpenBlockingPool(stack)
        return
    loop = loops[ASYNC_COLOURS[colour].library]
    with contextlib.ExitStack() as stack:
        yield OpenAsyncPool(stack, ASYNC_COLOURS[colour], loop)
    loop.check()
