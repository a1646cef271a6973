"""TLS contexts: what they trust and offer, and how many there are."""

import contextlib
import pathlib
import ssl
import threading

import pytest

from httpcore_pool import _tls, default_ssl_context
from httpcore_pool._tls import offered_protocols, shared_ssl_context


class NotingContext(ssl.SSLContext):
    """A context that remembers what it offers: the ssl module tells nobody."""

    offered: list[list[str]]

    def set_alpn_protocols(self, alpn_protocols: "list[str]") -> None:  # type: ignore[override]
        # Not in a constructor: those of contexts are not cooperative.
        self.__dict__.setdefault("offered", []).append(alpn_protocols)
        super().set_alpn_protocols(alpn_protocols)


def noting_context() -> NotingContext:
    return NotingContext(ssl.PROTOCOL_TLS_CLIENT)


# -- the default -------------------------------------------------------------------


def test_default_context_verifies_with_certifi_s_certificates() -> None:
    context = default_ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50


def test_default_context_is_new_each_time() -> None:
    first, second = default_ssl_context(), default_ssl_context()
    assert first is not second
    first.check_hostname = False
    assert second.check_hostname


def test_session_keys_are_logged_where_the_environment_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    assert default_ssl_context().keylog_filename == str(path)
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("SSLKEYLOGFILE")
        else:
            monkeypatch.setenv("SSLKEYLOGFILE", value)
        assert default_ssl_context().keylog_filename is None


def test_session_keys_are_logged_where_python_ignores_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    context = noting_context()
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: context)
    assert default_ssl_context() is context
    assert context.keylog_filename == str(path)


# -- the shared one ----------------------------------------------------------------


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[NotingContext]:
    """The contexts that were built, in place of slow ones."""
    contexts: list[NotingContext] = []

    def build() -> NotingContext:
        contexts.append(noting_context())
        return contexts[-1]

    monkeypatch.setattr(_tls, "default_ssl_context", build)
    monkeypatch.setattr(_tls, "_shared_contexts", {})
    return contexts


def test_shared_context_is_built_once(built: list[NotingContext]) -> None:
    context = shared_ssl_context(("http/1.1",))
    assert shared_ssl_context(("http/1.1",)) is context
    assert built == [context]
    assert built[0].offered == [["http/1.1"]]


def test_each_choice_of_protocols_has_a_context(built: list[NotingContext]) -> None:
    both, one = shared_ssl_context(("h2", "http/1.1")), shared_ssl_context(("http/1.1",))
    assert built == [both, one]
    assert [context.offered for context in built] == [[["h2", "http/1.1"]], [["http/1.1"]]]
    assert shared_ssl_context(("h2", "http/1.1")) is both


def test_shared_context_is_the_default_one() -> None:
    context = shared_ssl_context(("http/1.1",))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50


def test_threads_that_come_at_once_share_a_context(
    built: list[NotingContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = _tls.default_ssl_context
    both_build = threading.Barrier(2)

    def build_together() -> ssl.SSLContext:
        # It breaks, as it should, if nobody else is building.
        with contextlib.suppress(threading.BrokenBarrierError):
            both_build.wait(timeout=0.2)
        return build()

    monkeypatch.setattr(_tls, "default_ssl_context", build_together)
    shared = []
    threads = [
        threading.Thread(target=lambda: shared.append(shared_ssl_context(("http/1.1",))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert shared == [built[0], built[0]]


def test_failed_attempt_is_not_kept(
    built: list[NotingContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> ssl.SSLContext:
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(_tls, "default_ssl_context", fail)
        with pytest.raises(FileNotFoundError):
            shared_ssl_context(("http/1.1",))
    assert shared_ssl_context(("http/1.1",)) is built[0]


# -- what is offered ---------------------------------------------------------------


def test_protocols_are_set_on_the_caller_s_context_once() -> None:
    context = noting_context()
    assert offered_protocols(context, http1=True, http2=False) == ("http/1.1",)
    assert context.offered == [["http/1.1"]]
    assert offered_protocols(None, http1=True, http2=False) == ("http/1.1",)


def test_some_protocol_has_to_be_enabled() -> None:
    with pytest.raises(ValueError, match="http1 and http2 are both False"):
        offered_protocols(None, http1=False, http2=False)


@pytest.mark.parametrize(("http1", "expected"), [(True, ("h2", "http/1.1")), (False, ("h2",))])
def test_http2_is_preferred(*, http1: bool, expected: tuple[str, ...]) -> None:
    context = noting_context()
    assert offered_protocols(context, http1=http1, http2=True) == expected
    assert context.offered == [list(expected)]
