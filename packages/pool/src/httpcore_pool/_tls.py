"""TLS contexts: which certificates are trusted, which protocols are offered."""

import os
import ssl
import threading

from ._http2 import require_hpack


def default_ssl_context() -> ssl.SSLContext:
    """Returns a new context that trusts certifi's certificates.

    Session keys are written to the file that the environment variable
    `SSLKEYLOGFILE` names, if it is set.
    """
    # A sixth of the time that importing this package would take, for what only
    # https needs.
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    # create_default_context() heeds the variable by itself, but only where the
    # interpreter is told to look at the environment.
    keylog = os.environ.get("SSLKEYLOGFILE")
    if keylog and context.keylog_filename is None:
        context.keylog_filename = keylog
    return context


_shared_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
# Held while a context is built, so that threads that come at once wait for one and
# do not build one each. Nothing else is called meanwhile.
_shared_contexts_lock = threading.Lock()


def shared_ssl_context(protocols: tuple[str, ...]) -> ssl.SSLContext:
    """Returns the one default context of this process that offers `protocols`.

    Loading the certificates takes some 20 ms, so it is done once, and only when
    the first `https` connection asks for it.

    Args:
        protocols: For ALPN (RFC 7301), the preferred one first.
    """
    context = _shared_contexts.get(protocols)
    if context is None:
        with _shared_contexts_lock:
            context = _shared_contexts.get(protocols)
            if context is None:
                context = default_ssl_context()
                context.set_alpn_protocols(list(protocols))
                _shared_contexts[protocols] = context
    return context


def offered_protocols(
    ssl_context: ssl.SSLContext | None, *, http1: bool, http2: bool
) -> tuple[str, ...]:
    """Returns what is offered by ALPN, and makes a caller's context offer it.

    Args:
        ssl_context: The caller's; changed here, once, and not at every connection.
        http1: Whether HTTP/1.1 is enabled.
        http2: Whether HTTP/2 is enabled.

    Raises:
        ValueError: Neither is enabled.
        ImportError: HTTP/2 is enabled, and what it needs is not installed.
    """
    if http2:
        require_hpack()
    if not http1 and not http2:
        raise ValueError("no protocol is enabled: http1 and http2 are both False")
    protocols = ("h2",) * http2 + ("http/1.1",) * http1
    if ssl_context is not None:
        ssl_context.set_alpn_protocols(list(protocols))
    return protocols
