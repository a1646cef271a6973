"""The rules that keep one source for every colour sound, read off the source itself."""

import ast
import collections.abc
import dataclasses
import functools
import pathlib
import sys
import types

import pytest
from driving import URL_A, Driver, head, reply
from script_steps import Give, TakeRequest
from scripted import Network

import httpcore_pool
from httpcore_pool import _bridge, _sync

ROOT = pathlib.Path(httpcore_pool.__file__).parent

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Module:
    """One module of the package.

    Args:
        name: As it is imported.
        is_package: Whether it is an `__init__.py`.
        tree: Its source.
    """

    name: str
    is_package: bool
    tree: ast.Module

    def __str__(self) -> str:
        return self.name

    @functools.cached_property
    def imports(self) -> list[tuple[str, ast.stmt]]:
        """The full name of everything it imports, wherever in it, and the statement."""
        found: list[tuple[str, ast.stmt]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, node) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._base_of(node)
                found += [(f"{base}.{alias.name}", node) for alias in node.names]
        return found

    def _base_of(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")
        kept = len(parents) - node.level + self.is_package
        return ".".join([*parents[:kept], *([node.module] if node.module else [])])

    @property
    def functions(self) -> list[FunctionNode]:
        return [node for node in ast.walk(self.tree) if isinstance(node, FunctionNode)]


def read(path: pathlib.Path) -> Module:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(name, is_package, ast.parse(path.read_text("utf-8"), str(path)))


ALL = sorted((read(path) for path in ROOT.rglob("*.py")), key=str)


def within(*names: str) -> list[Module]:
    """The modules of some folders, or some modules themselves."""
    full = tuple(f"httpcore_pool.{name}" for name in names)
    found = [
        module
        for module in ALL
        if module.name in full or module.name.startswith(tuple(name + "." for name in full))
    ]
    assert found
    return found


def each(modules: list[Module]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("module", modules, ids=str)


def is_of(name: str, packages: collections.abc.Iterable[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_every_module_is_read() -> None:
    assert {"httpcore_pool", "httpcore_pool._core.pool", "httpcore_pool._bridge"} <= {
        module.name for module in ALL
    }
    pool = next(module for module in ALL if module.name == "httpcore_pool._core.pool")
    names = {name for name, _ in pool.imports}
    assert {"threading", "httpcore_pool._state.PoolState"} <= names
    assert "httpcore_pool._core.closing.close_all" in names


# -- what waits ------------------------------------------------------------------------

OF_ONE_COLOUR = [
    "asyncio",
    "anyio",
    "trio",
    "sniffio",
    "curio",
    "select",
    "selectors",
    "socket",
    "signal",
    "concurrent",
    "contextlib",
    "httpcore_sync",
    "httpcore_asyncio",
    "httpcore_anyio",
    "httpcore_trio",
]


@each(within("_core"))
def test_core_belongs_to_no_colour(module: Module) -> None:
    assert not [name for name, _ in module.imports if is_of(name, OF_ONE_COLOUR)]


@each(within("_core"))
def test_core_puts_no_thread_to_sleep(module: Module) -> None:
    assert "time.sleep" not in {name for name, _ in module.imports}
    assert "time.sleep" not in {
        ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)
    }


@each(within("_core", "_bridge", "_async", "_async_colour"))
def test_what_waits_has_no_async_generators(module: Module) -> None:
    for function in module.functions:
        if isinstance(function, ast.AsyncFunctionDef):
            yields = [
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Yield | ast.YieldFrom)
            ]
            assert not yields, function.name


@each(within("_core", "_bridge", "_async", "_async_colour"))
def test_what_waits_has_no_context_managers_made_of_generators(module: Module) -> None:
    names = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    assert not names & {"contextmanager", "asynccontextmanager"}
    # Nor any `async with`: an exit that waits is an exit that can be cancelled.
    assert not [node for node in ast.walk(module.tree) if isinstance(node, ast.AsyncWith)]


@each(within("_core"))
def test_core_knows_nothing_above_it(module: Module) -> None:
    names = ("_bridge", "_sync", "_api", "_defaults", "_async", "_async_colour", "_faces")
    above = [f"httpcore_pool.{name}" for name in names]
    assert not [name for name, _ in module.imports if is_of(name, above)]


# -- locks -----------------------------------------------------------------------------

# What may be called while a lock is held, beside the pure state.
HARMLESS = {
    "time.monotonic",
    "isinstance",
    "type",
    "len",
    "list",
    "self._abandoned.popleft",
    "self._pool.leases.pop",
    # See `test_changes_of_the_books_are_calls_into_the_state`.
    "change",
}
STATES = ("state.", "self.state.", "self._state.", "pool.state.")
# The lock of a connection of HTTP/2 guards its engine, and who waits for news of it.
ENGINES = (
    "engine.",
    "self.engine.",
    "traffic.engine.",
    "exchange.traffic.engine.",
    "stream.chunks.",
    "stream.heads.",
    "self._silence.",
    "self._departures.",
    "self._waiting.",
    "self._waiting_for.",
    "self._waiting_to.",
    "silence.",
    "self.abandoned.",
)
OF_ENGINES = {
    "bool",
    "bytes",
    "departures.popleft",
    "iter",
    "memoryview",
    "next",
    "set",
    "str",
    "until",
    # Looked into where they are.
    "b''.join",
    "exchange.begin",
    "request_fields",
    "stream.take_together",
    "traffic.depart",
    "traffic.send",
    "traffic.settle_abandoned",
    "Departure",
    "RemoteProtocolError",
    "WriteError",
}
SHARED = within(
    "_core.traffic",
    "_core.http2",
    "_core.http2_exchange",
    "_core.http2_tunnel",
    "_core.http2_upload",
)
# What calls each other under the pool's lock.
POOLS = within("_core.pool", "_core.pool_lease")


def is_lock(item: ast.withitem) -> bool:
    return ast.unparse(item.context_expr).lower().endswith("lock")


def locked_blocks(tree: ast.AST) -> list[ast.With]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and any(map(is_lock, node.items))
    ]


def calls_in(nodes: collections.abc.Iterable[ast.AST]) -> list[str]:
    """What is called, except to make an exception that is being raised."""
    found: list[str] = []
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.Call):
            found.append(ast.unparse(node.func))
        pending += ast.iter_child_nodes(node)
    return found


def offences(
    nodes: collections.abc.Sequence[ast.AST],
    methods: dict[str, FunctionNode],
    *,
    is_shared: bool = False,
) -> list[str]:
    """The calls among them that are not allowed under a lock; methods are looked into."""
    found: list[str] = []
    for call in calls_in(nodes):
        name = call.rpartition(".")[2]
        if call in HARMLESS or call.startswith(STATES):
            continue
        if is_shared and (call in OF_ENGINES or call.startswith(ENGINES)):
            continue
        own = {f"{owner}.{name}" for owner in ("self", "lease", "pool")}
        is_known = call in own and name in methods
        if is_known and (is_shared or "settle" in name):
            found += offences(methods[name].body, methods, is_shared=is_shared)
        else:
            found.append(call)
    return found


def test_locks_are_found() -> None:
    assert sum(len(locked_blocks(module.tree)) for module in within("_core")) >= 8


@each(within("_core"))
def test_lock_is_held_around_calls_into_the_state_only(module: Module) -> None:
    known = POOLS if module in POOLS else [module]
    methods = {function.name: function for other in known for function in other.functions}
    for block in locked_blocks(module.tree):
        where = f"line {block.lineno}"
        assert not offences(block.body, methods, is_shared=module in SHARED), where
        waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)
        assert not [node for node in ast.walk(block) if isinstance(node, waits)], where


def test_changes_of_the_books_are_calls_into_the_state() -> None:
    (pool,) = within("_core.pool")
    changes = [
        node.args[0]
        for node in ast.walk(pool.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._change"
    ]
    assert len(changes) >= 4
    for change in changes:
        assert isinstance(change, ast.Lambda)
        assert not [call for call in calls_in([change.body]) if not call.startswith("state.")]


@each(within("_core"))
def test_locks_are_taken_by_with_statements_only(module: Module) -> None:
    called = calls_in([module.tree])
    assert not [call for call in called if call.endswith(("lock.acquire", "lock.release"))]


def test_locks_are_where_they_are_known() -> None:
    # Beside the core's there are two: around the making of the shared TLS contexts,
    # and for the thread that is in a connect.
    known = {module.name for module in within("_core", "_tls", "_bridge")}
    for module in ALL:
        if module.name not in known:
            assert "threading" not in {name for name, _ in module.imports}
            assert not locked_blocks(module.tree)


@pytest.mark.parametrize(
    "name", ["__del__", "abandon", "note_abandoned", "_rouse_one", "finish"]
)
def test_what_finalisers_call_takes_no_lock(name: str) -> None:
    functions = [
        function
        for module in within("_core")
        for function in module.functions
        if function.name == name
    ]
    assert functions
    for function in functions:
        assert not locked_blocks(function)
        assert isinstance(function, ast.FunctionDef)


# -- what is pure ------------------------------------------------------------------------

IMPURE = [
    *OF_ONE_COLOUR,
    "time",
    "datetime",
    "threading",
    "queue",
    "ssl",
    "os",
    "io",
    "pathlib",
    "subprocess",
    "random",
    "secrets",
    "logging",
    "gc",
    "weakref",
    "certifi",
]


@each(within("_state", "_protocol"))
def test_state_and_protocol_do_no_io_and_know_no_time(module: Module) -> None:
    assert not [name for name, _ in module.imports if is_of(name, IMPURE)]


@each(within("_state", "_protocol"))
def test_state_and_protocol_wait_for_nothing(module: Module) -> None:
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not [node for node in ast.walk(module.tree) if isinstance(node, waits)]
    assert "open" not in calls_in([module.tree])


@each(within("_state"))
def test_state_knows_nothing_of_the_package(module: Module) -> None:
    for name, _ in module.imports:
        assert is_of(name, ["httpcore_pool._state"]) or not is_of(name, ["httpcore_pool"])


@each(within("_protocol"))
def test_protocol_knows_nothing_of_the_package(module: Module) -> None:
    for name, _ in module.imports:
        assert is_of(name, ["httpcore_pool._protocol"]) or not is_of(name, ["httpcore_pool"])


# -- what is imported ----------------------------------------------------------------------

BACKENDS = ["httpcore_sync", "httpcore_asyncio", "httpcore_trio", "httpcore_anyio"]


@each(ALL)
def test_package_needs_what_it_declares_and_no_more(module: Module) -> None:
    declared = {"httpcore_pool", "httpcore_interface", "h11", "certifi"}
    if module.name == "httpcore_pool._defaults":
        declared.update(BACKENDS)
    if is_of(module.name, ["httpcore_pool._protocol.http2"]):
        # The extra of the same name, looked for before anything of this is imported.
        declared.add("hpack")
    roots = {name.partition(".")[0] for name, _ in module.imports}
    assert roots <= declared | sys.stdlib_module_names


def test_backends_are_imported_when_they_are_needed() -> None:
    [module] = within("_defaults")
    inside = {
        id(node)
        for function in module.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    backends = [node for name, node in module.imports if is_of(name, BACKENDS)]
    assert len(backends) == len(BACKENDS)
    assert all(id(node) in inside for node in backends)


@each(ALL)
def test_h11_is_known_to_the_fallback_only(module: Module) -> None:
    if module.name != "httpcore_pool._protocol.http11.fallback":
        assert not [name for name, _ in module.imports if is_of(name, ["h11"])]


@each(ALL)
def test_private_parts_of_other_packages_are_left_alone(module: Module) -> None:
    for name, _ in module.imports:
        root, *parts = name.split(".")
        if root != "httpcore_pool":
            assert not [part for part in parts if part.startswith("_")], name


# -- the bridge ------------------------------------------------------------------------------


@types.coroutine
def suspend() -> collections.abc.Generator[None, None, None]:
    """Waits for an event loop, of which there is none."""
    yield


def test_run_returns_what_a_coroutine_returns() -> None:
    async def answer() -> int:
        return 42

    assert _bridge.run(answer()) == 42


def test_run_raises_what_a_coroutine_raises() -> None:
    error = KeyError("mine")

    async def fail() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        _bridge.run(fail())
    assert caught.value is error


def test_run_refuses_a_coroutine_that_suspends_and_closes_it() -> None:
    ends: list[str] = []

    async def wait() -> None:
        try:
            await suspend()
        except GeneratorExit:
            ends.append("closed")
            raise
        finally:
            ends.append("over")

    coroutine = wait()
    with pytest.raises(RuntimeError, match="async network backend, stream or callback"):
        _bridge.run(coroutine)
    assert ends == ["closed", "over"]
    # It is over, and nobody is told that it was never awaited.
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)


def test_run_refuses_a_coroutine_that_suspends_while_it_cleans_up() -> None:
    async def stubborn() -> None:
        try:
            await suspend()
        finally:
            await suspend()

    with pytest.raises(RuntimeError):
        _bridge.run(stubborn())


class Crossings:
    """How often the bridge is crossed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = 0
        run = _bridge.run

        def counting(
            coroutine: collections.abc.Coroutine[object, None, object],
        ) -> object:
            self._count += 1
            return run(coroutine)

        for module in (_bridge, _sync):
            monkeypatch.setattr(module, "run", counting)

    def take(self) -> int:
        """How often since the last time this was asked."""
        count, self._count = self._count, 0
        return count


@pytest.fixture
def crossings(monkeypatch: pytest.MonkeyPatch) -> Crossings:
    return Crossings(monkeypatch)


async_code_crosses_none = pytest.mark.colours("blocking", reason="async code has no bridge")


@async_code_crosses_none
def test_request_crosses_the_bridge_once(
    driver: Driver, network: Network, crossings: Crossings
) -> None:
    network.answer(reply(b"first"), reply(b"second"), reply(b"third"))
    pool = driver.pool()
    pool.request("GET", URL_A)
    assert crossings.take() == 1
    pool.request("GET", URL_A)
    assert crossings.take() == 1
    with pool.stream("POST", URL_A, content=b"body") as response:
        assert response.read() == b"third"
    assert crossings.take() == 1


@async_code_crosses_none
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(b"body"), id="length"),
        pytest.param(reply(b""), id="empty"),
        pytest.param(
            head(b"200 OK", (b"Transfer-Encoding", b"chunked"))
            + b"4\r\nbody\r\n" * 50
            + b"0\r\n\r\n",
            id="chunked",
        ),
    ],
)
def test_chunks_that_have_come_and_releases_cross_no_bridge(
    driver: Driver, network: Network, crossings: Crossings, answer: bytes
) -> None:
    network.answer(answer)
    response = driver.pool().open("GET")
    assert crossings.take() == 1
    while response.next_chunk() is not None:
        pass
    response.close()
    assert crossings.take() == 0
    assert len(network.open_connections) == 1


@async_code_crosses_none
def test_chunk_that_has_yet_to_come_crosses_the_bridge_once(
    driver: Driver, network: Network, crossings: Crossings
) -> None:
    answer = reply(b"0123456789")
    network.play(TakeRequest(), Give(answer[:-5]), Give(answer[-5:-2]), Give(answer[-2:]))
    response = driver.pool().open("GET")
    assert crossings.take() == 1
    counts = []
    while response.next_chunk() is not None:
        counts.append(crossings.take())
    assert counts == [0, 1, 1]
    assert crossings.take() == 0


@async_code_crosses_none
def test_whole_body_crosses_the_bridge_once_for_each_read(
    driver: Driver, network: Network, crossings: Crossings
) -> None:
    answer = reply(b"0123456789")
    network.play(TakeRequest(), Give(answer[:-5]), Give(answer[-5:]))
    response = driver.pool().open("GET")
    crossings.take()
    response.read()
    assert crossings.take() == 1


@async_code_crosses_none
def test_questions_cross_no_bridge(
    driver: Driver, network: Network, crossings: Crossings
) -> None:
    network.answer(reply(b"body"))
    pool = driver.pool()
    pool.request("GET", URL_A)
    crossings.take()
    repr(pool.face)
    pool.face.stats()
    for connection in pool.face.connections:
        repr(connection)
        connection.has_expired()
    assert crossings.take() == 0
