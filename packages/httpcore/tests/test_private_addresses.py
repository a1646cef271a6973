"""The addresses of 1.x that dependents reach for: our classes, or what they do without."""

import ast
import asyncio
import importlib
import pathlib
import socket
import subprocess
import sys
import textwrap
import threading
import typing

import anyio
import pytest

import httpcore

ROOT = pathlib.Path(httpcore.__file__).parent
ADDRESSES = sorted(
    ".".join(("httpcore", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in ROOT.rglob("*.py")
    if path != ROOT / "__init__.py"
)
OURS = {
    "httpcore._backends.base": [
        *["NetworkBackend", "NetworkStream", "AsyncNetworkBackend", "AsyncNetworkStream"],
        "SOCKET_OPTION",
    ],
    "httpcore._backends.sync": ["SyncBackend"],
    "httpcore._backends.anyio": ["AnyIOBackend"],
    "httpcore._backends.trio": ["TrioBackend"],
    "httpcore._backends.mock": [
        *["MockBackend", "MockStream", "AsyncMockBackend", "AsyncMockStream"]
    ],
    "httpcore._sync.connection": ["HTTPConnection"],
    "httpcore._sync.connection_pool": ["ConnectionPool"],
    "httpcore._sync.http_proxy": ["HTTPProxy"],
    "httpcore._sync.http11": ["HTTP11Connection"],
    "httpcore._sync.http2": ["HTTP2Connection"],
    "httpcore._sync.socks_proxy": ["SOCKSProxy"],
    "httpcore._sync.interfaces": ["ConnectionInterface"],
    "httpcore._async.connection": ["AsyncHTTPConnection"],
    "httpcore._async.connection_pool": ["AsyncConnectionPool"],
    "httpcore._async.http_proxy": ["AsyncHTTPProxy"],
    "httpcore._async.http11": ["AsyncHTTP11Connection"],
    "httpcore._async.http2": ["AsyncHTTP2Connection"],
    "httpcore._async.socks_proxy": ["AsyncSOCKSProxy"],
    "httpcore._async.interfaces": ["AsyncConnectionInterface"],
    "httpcore._models": ["Request", "Response", "URL", "Origin", "Proxy"],
    "httpcore._exceptions": [
        name for name in httpcore.__all__ if name.endswith(("Error", "Timeout", "Exception"))
    ],
    "httpcore._ssl": ["default_ssl_context"],
    "httpcore._api": ["request", "stream"],
}
OTHERS = {
    "httpcore._backends.sync.SyncStream": "httpcore_sync",
    "httpcore._backends.anyio.AnyIOStream": "httpcore_anyio",
    "httpcore._backends.trio.TrioStream": "httpcore_trio",
    "httpcore._backends.auto.AutoBackend": "httpcore_pool",
    "httpcore._models.ByteStream": "httpcore_pool",
    "httpcore._sync.interfaces.RequestInterface": "httpcore_pool",
    "httpcore._async.interfaces.AsyncRequestInterface": "httpcore_pool",
    "httpcore._utils.is_socket_readable": "httpcore_interface",
}


def at(address: str) -> object:
    module, _, name = address.rpartition(".")
    return typing.cast("object", getattr(importlib.import_module(module), name))


def run(code: str) -> str:
    """Runs a program of its own, in which warnings are errors; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_address_is_looked_at() -> None:
    known = {*OURS, *(address.rpartition(".")[0] for address in OTHERS)}
    known |= {"httpcore._backends", "httpcore._sync", "httpcore._async"}
    assert set(ADDRESSES) == {*known, "httpcore._synchronization"}


@pytest.mark.parametrize("module", OURS)
def test_address_has_the_public_name(module: str) -> None:
    for name in OURS[module]:
        assert at(f"{module}.{name}") is getattr(httpcore, name)


@pytest.mark.parametrize("address", OTHERS)
def test_address_has_what_is_not_public_at_the_facade(address: str) -> None:
    home = importlib.import_module(OTHERS[address])
    assert at(address) is getattr(home, address.rpartition(".")[2])


@pytest.mark.parametrize("module", ADDRESSES)
def test_address_says_who_needs_it_and_is_thin(module: str) -> None:
    path = importlib.import_module(module).__file__
    assert path is not None
    source = pathlib.Path(path).read_text("utf-8")
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring is not None
    assert docstring.startswith(("For ", "Where 1.x had "))
    assert len(source.splitlines()) < 80


def test_addresses_are_imported_when_they_are_asked_for() -> None:
    printed = run(
        f"""
        import sys
        import httpcore
        httpcore.ConnectionPool, httpcore.AsyncConnectionPool, httpcore.SyncBackend
        print([name for name in {ADDRESSES} if name in sys.modules])
        """
    )
    assert printed == "[]"


def test_addresses_are_there_once_httpcore_is() -> None:
    """In 1.x nobody had to import them."""
    names = ", ".join(f"{module}.__name__" for module in ADDRESSES)
    assert run(f"import httpcore; print([{names}])") == str(ADDRESSES)


@pytest.mark.parametrize("name", ["_backends.curio", "_sync.curio", "_async.curio"])
def test_unknown_address_is_an_attribute_error(name: str) -> None:
    package, _, missing = f"httpcore.{name}".rpartition(".")
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'curio'"):
        getattr(importlib.import_module(package), missing)


def test_address_alone_has_the_name_that_people_know() -> None:
    printed = run(
        """
        from httpcore._exceptions import ConnectError
        from httpcore._sync.connection_pool import ConnectionPool
        print(ConnectError.__module__, ConnectionPool.__module__)
        """
    )
    assert printed == "httpcore httpcore"


# -- what dependents do there ------------------------------------------------------------


def test_sync_stream_is_made_of_a_socket() -> None:
    from httpcore._backends.sync import SyncStream

    ours, theirs = socket.socketpair()
    with theirs:
        stream = SyncStream(ours)
        assert stream._sock is ours
        stream.write(b"hello")
        assert theirs.recv(10) == b"hello"
        stream.close()


def test_socket_says_whether_something_has_come() -> None:
    from httpcore._utils import is_socket_readable

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not is_socket_readable(ours)
        theirs.send(b"!")
        assert is_socket_readable(ours)


def test_auto_backend_is_subclassed() -> None:
    """As programs do that guard where connections go."""
    from httpcore._backends.auto import AutoBackend

    asked: list[str] = []

    class Guarded(AutoBackend):
        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
        ) -> httpcore.AsyncNetworkStream:
            asked.append(host)
            return await super().connect_tcp(
                host="127.0.0.1",
                port=port,
                timeout=timeout,
                local_address=local_address,
                socket_options=socket_options,
            )

    async def main(port: int) -> None:
        pool = httpcore.AsyncConnectionPool(network_backend=Guarded())
        async with pool:
            with pytest.raises(httpcore.ConnectError):
                await pool.request("GET", f"http://somewhere.test:{port}/")

    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        asyncio.run(main(unheard.getsockname()[1]))
    assert asked == ["somewhere.test"]


def test_caching_pool_writes_handle_request_alone() -> None:
    """As hishel does."""
    from httpcore._sync.interfaces import RequestInterface

    class Cache(RequestInterface):
        def handle_request(self, request: httpcore.Request) -> httpcore.Response:
            return httpcore.Response(200, content=bytes(request.url))

    cache = Cache()
    assert cache.request("GET", "http://a/b").content == b"http://a/b"
    with cache.stream("GET", "http://a/c") as response:
        assert response.read() == b"http://a/c"


def test_lock_is_for_one_thread_at_a_time() -> None:
    from httpcore._synchronization import Lock

    lock = Lock()
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(100):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    with lock:
        pass


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_async_lock_is_for_one_task_at_a_time(library: str) -> None:
    from httpcore._synchronization import AsyncLock

    async def main() -> None:
        lock = AsyncLock()
        inside: list[int] = []
        most: list[int] = []

        async def work() -> None:
            async with lock:
                inside.append(1)
                most.append(len(inside))
                await anyio.lowlevel.checkpoint()
                inside.pop()

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(work)
        assert most == [1] * 5
        with anyio.CancelScope() as scope:
            async with lock:
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        async with lock:
            pass

    anyio.run(main, backend=library)
