"""The exception tree, which callers catch by its parents."""

import collections.abc
import copy
import pickle

import pytest

import httpcore_interface

TREE = {
    "TimeoutException": Exception,
    "PoolTimeout": httpcore_interface.TimeoutException,
    "ConnectTimeout": httpcore_interface.TimeoutException,
    "ReadTimeout": httpcore_interface.TimeoutException,
    "WriteTimeout": httpcore_interface.TimeoutException,
    "NetworkError": Exception,
    "ConnectError": httpcore_interface.NetworkError,
    "ReadError": httpcore_interface.NetworkError,
    "WriteError": httpcore_interface.NetworkError,
    "ProtocolError": Exception,
    "LocalProtocolError": httpcore_interface.ProtocolError,
    "RemoteProtocolError": httpcore_interface.ProtocolError,
    "ProxyError": Exception,
    "UnsupportedProtocol": Exception,
    "ConnectionNotAvailable": Exception,
}


def exception(name: str) -> type[Exception]:
    kind: object = getattr(httpcore_interface, name)
    assert isinstance(kind, type)
    assert issubclass(kind, Exception)
    return kind


@pytest.mark.parametrize(("name", "parent"), TREE.items())
def test_exception_has_one_parent(name: str, parent: type[Exception]) -> None:
    assert exception(name).__bases__ == (parent,)


def test_tree_is_complete() -> None:
    public = {name: getattr(httpcore_interface, name) for name in httpcore_interface.__all__}
    assert set(TREE) == {
        name
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, Exception)
    }


@pytest.mark.parametrize("name", TREE)
def test_exception_can_be_raised_without_arguments(name: str) -> None:
    with pytest.raises(exception(name)) as caught:
        raise exception(name)
    assert str(caught.value) == ""


@pytest.mark.parametrize("name", TREE)
def test_exception_can_be_pickled(name: str) -> None:
    restored: object = pickle.loads(pickle.dumps(exception(name)("12 of 34 bytes")))
    assert type(restored) is exception(name)
    assert str(restored) == "12 of 34 bytes"


@pytest.mark.parametrize("name", TREE)
def test_exception_says_what_happened(name: str) -> None:
    assert exception(name).__doc__


CHALLENGES = [(b"Proxy-Authenticate", b"Basic"), (b"Proxy-Authenticate", b"NTLM")]


def refusal() -> httpcore_interface.ProxyError:
    return httpcore_interface.ProxyError(
        "407 Proxy Authentication Required",
        status=407,
        reason=b"Proxy Authentication Required",
        headers=CHALLENGES,
    )


@pytest.mark.parametrize(
    "passed_on",
    [
        pytest.param(lambda error: error, id="raised"),
        pytest.param(copy.copy, id="copied"),
        pytest.param(copy.deepcopy, id="copied deeply"),
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickled"),
    ],
)
def test_refusal_of_a_proxy_keeps_the_response(
    passed_on: collections.abc.Callable[
        [httpcore_interface.ProxyError], httpcore_interface.ProxyError
    ],
) -> None:
    error = passed_on(refusal())
    assert type(error) is httpcore_interface.ProxyError
    assert str(error) == "407 Proxy Authentication Required"
    assert error.status == 407
    assert error.reason == b"Proxy Authentication Required"
    assert error.headers == CHALLENGES


@pytest.mark.parametrize("args", [(), ("text",), ("text", 2)])
def test_error_of_a_proxy_need_not_have_a_response(args: tuple[object, ...]) -> None:
    error = httpcore_interface.ProxyError(*args)
    assert error.args == args
    assert error.status is None
    assert error.reason is None
    assert error.headers == []


def test_error_of_a_proxy_has_headers_of_its_own() -> None:
    headers = [(b"Server", b"squid")]
    error = httpcore_interface.ProxyError(headers=headers)
    headers.clear()
    assert error.headers == [(b"Server", b"squid")]
    others = [httpcore_interface.ProxyError().headers for _ in range(2)]
    assert others[0] is not others[1]


def test_repr_of_a_refusal_shows_no_headers() -> None:
    assert repr(refusal()) == "ProxyError('407 Proxy Authentication Required')"
