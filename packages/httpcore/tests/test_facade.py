"""The facade: every name of the family under one roof, looked up when it is used."""

import ast
import importlib
import importlib.metadata
import pathlib
import pickle
import subprocess
import sys
import textwrap
import tomllib
import typing

import pytest

import httpcore

SOURCE = pathlib.Path(httpcore.__file__)
HOMES = {
    "httpcore_interface": "httpcore-interface",
    "httpcore_pool": "httpcore-pool",
    "httpcore_sync": "httpcore-sync",
    "httpcore_asyncio": "httpcore-asyncio",
    "httpcore_mock": "httpcore-mock",
    "httpcore_anyio": "httpcore-anyio",
    "httpcore_trio": "httpcore-trio",
}
EXTRAS = {"AnyIOBackend": "httpcore_anyio", "TrioBackend": "httpcore_trio"}
NAMES = [*httpcore.__all__, *EXTRAS]


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


def names_for_type_checkers() -> dict[str, str]:
    """What stands under `if TYPE_CHECKING`: name -> where it comes from."""
    tree = ast.parse(SOURCE.read_text("utf-8"))
    [block] = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        for alias in node.names:
            # Written so that type checkers take it for a name of this module.
            assert alias.asname == alias.name
            found[alias.name] = node.module
    return found


def resolve(name: str) -> object:
    return typing.cast("object", getattr(httpcore, name))


def home_of(name: str) -> object:
    module = importlib.import_module(names_for_type_checkers()[name])
    return typing.cast("object", getattr(module, name))


# -- what there is -----------------------------------------------------------------------


def test_type_checkers_and_programs_see_the_same_names() -> None:
    assert sorted(NAMES) == sorted(names_for_type_checkers())
    assert len(set(NAMES)) == len(NAMES)
    assert set(names_for_type_checkers().values()) == set(HOMES)


@pytest.mark.parametrize("name", NAMES)
def test_name_is_that_of_its_home(name: str) -> None:
    assert resolve(name) is home_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_name_says_that_it_is_of_httpcore(name: str) -> None:
    if name != "SOCKET_OPTION":  # a union of types has no say in it
        assert getattr(resolve(name), "__module__", None) == "httpcore"


@pytest.mark.parametrize(
    "name",
    [
        # Functions, values, connections, backends, exceptions: what 1.x had and is here.
        *["request", "stream", "default_ssl_context", "URL", "Origin", "Request", "Response"],
        *["ConnectionPool", "HTTPConnection", "HTTP11Connection", "HTTP2Connection"],
        *["Proxy", "HTTPProxy", "SOCKSProxy", "AsyncHTTPProxy", "AsyncSOCKSProxy"],
        *["AsyncConnectionPool", "AsyncHTTPConnection", "AsyncHTTP11Connection"],
        *["AsyncHTTP2Connection", "ConnectionInterface", "AsyncConnectionInterface"],
        *["NetworkBackend", "NetworkStream", "AsyncNetworkBackend", "AsyncNetworkStream"],
        *["SyncBackend", "AsyncioBackend", "AnyIOBackend", "TrioBackend", "SOCKET_OPTION"],
        *["MockBackend", "MockStream", "AsyncMockBackend", "AsyncMockStream"],
        *["TimeoutException", "PoolTimeout", "ConnectTimeout", "ReadTimeout", "WriteTimeout"],
        *["NetworkError", "ConnectError", "ReadError", "WriteError"],
        *["ProtocolError", "LocalProtocolError", "RemoteProtocolError"],
        *["ProxyError", "UnsupportedProtocol", "ConnectionNotAvailable"],
    ],
)
def test_names_of_1_x_are_there(name: str) -> None:
    assert name in NAMES


def test_exceptions_form_the_tree_of_1_x() -> None:
    tree = {
        httpcore.TimeoutException: ["PoolTimeout", "ConnectTimeout", "ReadTimeout"],
        httpcore.NetworkError: ["ConnectError", "ReadError", "WriteError"],
        httpcore.ProtocolError: ["LocalProtocolError", "RemoteProtocolError"],
        Exception: ["ProxyError", "UnsupportedProtocol", "ConnectionNotAvailable"],
    }
    for parent, children in tree.items():
        for child in children:
            kind = resolve(child)
            assert isinstance(kind, type)
            assert kind.__bases__ == (parent,)


def test_directory_lists_every_name() -> None:
    assert set(httpcore.__all__) <= set(dir(httpcore))
    assert "__version__" in dir(httpcore)
    assert dir(httpcore) == sorted(dir(httpcore))


def test_star_brings_every_name() -> None:
    namespace: dict[str, object] = {}
    exec("from httpcore import *", namespace)
    assert set(httpcore.__all__) <= set(namespace)
    assert namespace["ConnectionPool"] is httpcore.ConnectionPool


@pytest.mark.parametrize("name", ["ConnectionPol", "_sync_", "__wrapped__", "h11"])
def test_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'httpcore' has no attribute '{name}'$"):
        resolve(name)
    assert not hasattr(httpcore, name)


def test_version_is_one_that_dependents_ask_for() -> None:
    major, minor, _ = httpcore.__version__.split(".")
    assert (major, int(minor) >= 1) == ("1", True)
    # Where dnspython looks.
    assert importlib.metadata.version("httpcore") == httpcore.__version__


def test_extras_are_those_of_1_x() -> None:
    pyproject = pathlib.Path(__file__).parents[1] / "pyproject.toml"
    extras = tomllib.loads(pyproject.read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(extras) == {"asyncio", "anyio", "http2", "socks", "trio"}
    # What 1.x had for asyncio was anyio's.
    assert extras["asyncio"] == extras["anyio"]
    assert [extra.partition(">")[0] for extra in extras["anyio"]] == ["httpcore-anyio"]
    assert [extra.partition(">")[0] for extra in extras["trio"]] == ["httpcore-trio"]
    assert [extra.partition(">")[0] for extra in extras["http2"]] == ["httpcore-pool[http2]"]
    # What it was for is built in; programs ask for it all the same.
    assert extras["socks"] == []


# -- when it is looked up ------------------------------------------------------------------


def test_import_brings_nothing_that_is_not_used() -> None:
    unwanted = ["h11", "ssl", "socket", "certifi", "asyncio", "anyio", "trio", "logging"]
    printed = run(
        f"""
        import sys
        import httpcore
        print([name for name in {[*unwanted, *HOMES]} if name in sys.modules])
        """
    )
    assert printed == "[]"


def test_names_of_the_interface_bring_no_other_part() -> None:
    printed = run(
        """
        import sys
        import httpcore
        httpcore.ReadError, httpcore.NetworkBackend
        print([name for name in ("httpcore_pool", "httpcore_sync", "httpcore_asyncio")
               if name in sys.modules])
        """
    )
    assert printed == "[]"


def test_pool_brings_no_backend_until_it_is_used() -> None:
    printed = run(
        """
        import sys
        import httpcore
        pool = httpcore.ConnectionPool()
        pool.close()
        httpcore.AsyncConnectionPool()
        print([name for name in ("httpcore_sync", "httpcore_asyncio", "httpcore_anyio",
                                 "httpcore_trio", "asyncio", "h11", "certifi")
               if name in sys.modules])
        """
    )
    assert printed == "[]"


def test_name_is_looked_up_once() -> None:
    printed = run(
        """
        import httpcore
        assert "ConnectionPool" not in vars(httpcore)
        pool = httpcore.ConnectionPool
        assert vars(httpcore)["ConnectionPool"] is pool
        del httpcore.__getattr__
        print(httpcore.ConnectionPool is pool)
        """
    )
    assert printed == "True"


def test_names_can_be_looked_up_by_many_threads_at_once() -> None:
    printed = run(
        """
        import sys, threading
        sys.setswitchinterval(1e-6)
        import httpcore
        barrier = threading.Barrier(8)
        found = []
        def look(names):
            barrier.wait()
            found.append([getattr(httpcore, name) for name in names])
        names = list(httpcore.__all__)
        orders = [names, names[::-1]] * 4
        threads = [threading.Thread(target=look, args=(order,)) for order in orders]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(found), all(set(map(id, each)) == set(map(id, found[0])) for each in found))
        """
    )
    assert printed == "8 True"


# -- what people see -----------------------------------------------------------------------


def test_errors_are_called_by_the_name_that_people_know() -> None:
    """Also those that the program never mentions: they are what it prints at its end."""
    printed = run(
        """
        import traceback
        import httpcore

        class Refusing:
            def connect_tcp(self, **options):
                from httpcore_interface import ConnectError
                raise ConnectError("refused")

        try:
            httpcore.ConnectionPool(network_backend=Refusing()).request("GET", "http://a/")
        except Exception as exc:
            print(traceback.format_exc().splitlines()[-1])
            print(type(exc) is httpcore.ConnectError)
        """
    )
    assert printed.splitlines() == ["httpcore.ConnectError: refused", "True"]


def test_values_are_called_by_the_name_that_people_know() -> None:
    assert repr(httpcore.ConnectionPool) == "<class 'httpcore.ConnectionPool'>"
    assert repr(httpcore.Response(200)) == "<Response [200]>"
    assert repr(httpcore.Request("GET", "http://a/")) == "<Request [b'GET']>"
    assert repr(httpcore.MockStream([])) == "<httpcore.MockStream>"
    assert repr(httpcore.AsyncMockStream([])) == "<httpcore.AsyncMockStream>"


# -- what is not installed -------------------------------------------------------------------


@pytest.mark.parametrize("missing", HOMES)
def test_missing_part_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in NAMES:
        resolve(name)
    # None is how an import is made to fail.
    monkeypatch.setitem(sys.modules, missing, None)
    for name, home in names_for_type_checkers().items():
        if home == missing:
            # What has been looked up is not looked up again.
            monkeypatch.delitem(vars(httpcore), name, raising=False)
            hint = rf"^httpcore\.{name} is in a package of its own: install {HOMES[missing]}$"
            with pytest.raises(ImportError, match=hint):
                resolve(name)
        else:
            assert resolve(name) is home_of(name)


def test_missing_interface_is_named_by_whoever_needs_it() -> None:
    printed = run(
        """
        import sys
        sys.modules["httpcore_interface"] = None
        import httpcore
        try:
            httpcore.ConnectionPool
        except ImportError as exc:
            print(exc)
        """
    )
    assert printed == (
        "httpcore.ConnectionPool is in a package of its own: install httpcore-interface"
    )


def test_part_that_is_broken_is_not_taken_for_missing() -> None:
    printed = run(
        """
        import sys
        sys.modules["ssl"] = None
        import httpcore
        try:
            httpcore.SyncBackend
        except ImportError as exc:
            print(exc.name)
        """
    )
    assert printed == "ssl"


def test_pool_without_a_backend_says_what_to_install() -> None:
    printed = run(
        """
        import sys
        sys.modules["httpcore_sync"] = None
        import httpcore
        try:
            httpcore.ConnectionPool().request("GET", "http://a/")
        except ImportError as exc:
            print(exc)
        """
    )
    assert "install httpcore-sync" in printed


def test_program_with_the_facade_alone_can_take_all_there_is() -> None:
    """What an extra brings is not asked for by `import *`, nor by whoever looks around."""
    printed = run(
        """
        import sys
        for name in ("httpcore_anyio", "httpcore_trio", "anyio", "trio"):
            sys.modules[name] = None
        import inspect
        import httpcore
        from httpcore import *
        print(AsyncioBackend.__name__, "TrioBackend" in dict(inspect.getmembers(httpcore)))
        """
    )
    assert printed == "AsyncioBackend False"


# -- what is carried elsewhere ---------------------------------------------------------------


def carried(value: object) -> object:
    """A value that has been to another process and back, as far as it can tell."""
    return typing.cast("object", pickle.loads(pickle.dumps(value)))


def test_urls_can_be_pickled() -> None:
    url = httpcore.URL("https://example.com:8443/a?b")
    assert carried(url) == url
    assert carried(url.origin) == url.origin


def test_requests_can_be_pickled() -> None:
    request = httpcore.Request(
        "POST",
        "https://example.com/",
        headers=[(b"X", b"y")],
        content=b"body",
        extensions={"timeout": {"read": 5.0}},
    )
    copy = carried(request)
    assert isinstance(copy, httpcore.Request)
    assert (copy.method, copy.url, copy.headers) == (b"POST", request.url, [(b"X", b"y")])
    assert copy.extensions == {"timeout": {"read": 5.0}}
    assert isinstance(copy.stream, typing.Iterable)
    assert b"".join(copy.stream) == b"body"


def test_responses_can_be_pickled() -> None:
    response = httpcore.Response(
        404, headers=[(b"X", b"y")], content=b"body", extensions={"reason_phrase": b"No"}
    )
    response.read()
    copy = carried(response)
    assert isinstance(copy, httpcore.Response)
    assert (copy.status, copy.headers, copy.content) == (404, [(b"X", b"y")], b"body")
    assert copy.extensions == {"reason_phrase": b"No"}
    assert copy.read() == b"body"


@pytest.mark.parametrize(
    "name",
    [name for name in httpcore.__all__ if name.endswith(("Error", "Timeout", "Exception"))],
)
def test_exceptions_can_be_pickled(name: str) -> None:
    kind = resolve(name)
    assert isinstance(kind, type)
    assert issubclass(kind, Exception)
    copy = carried(kind("refused"))
    assert type(copy) is kind
    assert str(copy) == "refused"
    # Programs raise them without a word, too.
    assert str(carried(kind())) == ""


def test_pickles_find_their_way_in_a_fresh_process() -> None:
    pickled = pickle.dumps([httpcore.URL("http://a/"), httpcore.ReadTimeout("slow")])
    printed = run(f"import pickle; print(pickle.loads({pickled!r}))")
    assert printed == (
        "[URL(scheme=b'http', host=b'a', port=None, target=b'/'), ReadTimeout('slow')]"
    )
