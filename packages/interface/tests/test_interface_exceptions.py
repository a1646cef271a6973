"""The exception tree, which callers catch by its parents."""

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
