"""The request sent, the response printed as it comes."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpcore
from tools.fetch.arguments import PATIENCE, Command
from tools.fetch.failures import FetchError


def exchange(command: Command, stdout: BinaryIO) -> None:
    """Send the request, and write the response's head and body.

    Raises:
        FetchError: A file could not be read or written.
        BrokenPipeError: Nobody reads `stdout` any more.
        Exception: Whatever the pool raises.
    """
    with (
        httpcore.ConnectionPool(
            ssl_context=_make_context(command), proxy=_make_proxy(command)
        ) as pool,
        pool.stream(
            command.method,
            command.target.url,
            headers=list(command.headers),
            content=command.body,
            extensions={"timeout": _make_timeouts(command.timeout)},
        ) as response,
    ):
        _write(stdout, format_head(response), None)
        if command.with_body:
            with _opened(command.output, stdout) as output:
                for chunk in response.iter_stream():
                    _write(output, chunk, command.output)


def format_head(response: httpcore.Response) -> bytes:
    """Return the status line, the headers and the blank line."""
    version = response.extensions.get("http_version", b"HTTP/?")
    reason = response.extensions.get("reason_phrase", b"")
    lines = [b" ".join(filter(None, [version, b"%d" % response.status, reason]))]
    lines += [name + b": " + value for name, value in response.headers]
    return b"\n".join([*lines, b"", b""])


def _make_proxy(command: Command) -> httpcore.Proxy | None:
    proxy = command.proxy
    if proxy is None or proxy.url.scheme != b"https":
        return proxy
    # Trusted as the server is, but with a context of its own.
    return httpcore.Proxy(proxy.url, proxy.auth, ssl_context=_make_context(command))


def _make_context(command: Command) -> ssl.SSLContext | None:
    if command.authority is not None:
        try:
            return ssl.create_default_context(cafile=command.authority)
        except OSError as exc:
            reason = "no certificates in it" if isinstance(exc, ssl.SSLError) else exc.strerror
            raise FetchError(f"cannot use {command.authority}: {reason}") from exc
    if command.verify:
        # The pool's own default.
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _make_timeouts(total: float | None) -> dict[str, float]:
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), total or PATIENCE)
    if total is not None:
        timeouts["total"] = total
    return timeouts


@contextmanager
def _opened(path: Path | None, stdout: BinaryIO) -> Iterator[BinaryIO]:
    if path is None:
        yield stdout
        return
    try:
        file = path.open("wb")
    except OSError as exc:
        raise FetchError(f"cannot write {path}: {exc.strerror}") from exc
    with file:
        yield file


def _write(output: BinaryIO, chunk: bytes, path: Path | None) -> None:
    """Write all of a chunk at once, so that a slow body is seen as it comes."""
    try:
        output.write(chunk)
        output.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise FetchError(f"cannot write {path or 'standard output'}: {exc.strerror}") from exc
