"""The command line, read into one value."""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpcore
from tools.fetch.failures import FetchError
from tools.fetch.proxy import parse_proxy
from tools.fetch.target import Target, parse_target

PATIENCE = 30.0
"""Seconds that each step may take where the user sets no limit."""


@dataclass(frozen=True, slots=True)
class Command:
    """What the user asked for.

    Args:
        target: Where the request goes.
        method: Its method.
        headers: Its headers.
        body: Its body; None: it has none.
        proxy: What the request goes through; None: it goes straight there.
        verify: Whether certificates are checked, the proxy's too.
        authority: A file of certificates to trust instead of the usual ones.
        timeout: Seconds for the whole exchange; None: no limit but that of each step.
        output: Where the body goes; None: to standard output.
        with_body: Whether the body is read at all.
    """

    target: Target
    method: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None
    proxy: httpcore.Proxy | None
    verify: bool
    authority: Path | None
    timeout: float | None
    output: Path | None
    with_body: bool


def parse(arguments: Sequence[str] | None) -> Command:
    """Read the command line.

    Raises:
        FetchError: A value makes no sense. (An unknown option leaves by SystemExit.)
    """
    found = _make_parser().parse_args(arguments)
    target = parse_target(found.url)
    headers = [_parse_header(text) for text in found.header]
    body = None if found.data is None else b"&".join(map(_read_data, found.data))
    if body is not None:
        form = (b"Content-Type", b"application/x-www-form-urlencoded")
        _add_default(headers, form)
    if target.authorization is not None:
        _add_default(headers, (b"Authorization", target.authorization))
    _add_default(headers, (b"Accept", b"*/*"))
    _add_default(headers, (b"User-Agent", b"httpcore-fetch"))
    usual = "HEAD" if found.head else "GET" if body is None else "POST"
    return Command(
        target=target,
        method=usual if found.method is None else found.method,
        headers=tuple(headers),
        body=body,
        proxy=None if found.proxy is None else parse_proxy(found.proxy),
        verify=not found.insecure,
        authority=found.cacert,
        timeout=_parse_timeout(found.timeout),
        output=None if found.output == Path("-") else found.output,
        with_body=not (found.no_body or found.head),
    )


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fetch",
        description="Send one request by httpcore.ConnectionPool and print the response: "
        "status line, headers, blank line, body. Redirects are shown, not followed.",
    )
    add = parser.add_argument
    add("url", metavar="URL", help="http://... or https://...")
    add("-X", "--request", dest="method", metavar="METHOD")
    add("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    add(
        "-d",
        "--data",
        action="append",
        help="a body, sent by POST; @FILE: of a file; @-: of stdin",
    )
    add("-I", "--head", action="store_true", help="send HEAD, and print the head alone")
    add("--no-body", action="store_true", help="do not read the body")
    add("-o", "--output", type=Path, metavar="FILE", help="write the body there")
    add(
        "--proxy",
        metavar="URL",
        help="what to go through: http://, https://, socks5:// or socks4a://"
        "[USER:PASSWORD@]HOST[:PORT]; https to the origin travels in a tunnel",
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("-k", "--insecure", action="store_true", help="accept any certificate")
    trust.add_argument(
        "--cacert", type=Path, metavar="FILE", help="trust these certificates, in PEM, alone"
    )
    add(
        "--timeout",
        metavar="SECONDS",
        help=f"for the whole exchange (default: none, but {PATIENCE:g} for each step)",
    )
    return parser


def _parse_header(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise FetchError(f"bad header {text!r}: not of the form 'Name: value'")
    # The bytes as they were typed; the client checks which of them may be sent.
    return os.fsencode(name), os.fsencode(value.strip(" \t"))


def _add_default(headers: list[tuple[bytes, bytes]], header: tuple[bytes, bytes]) -> None:
    if all(name.lower() != header[0].lower() for name, _ in headers):
        headers.append(header)


def _read_data(text: str) -> bytes:
    if text == "@-":
        if sys.stdin is None:
            raise FetchError("standard input is closed")
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return os.fsencode(text)
    try:
        return Path(text[1:]).read_bytes()
    except OSError as exc:
        raise FetchError(f"cannot read {text[1:]}: {exc.strerror}") from exc


def _parse_timeout(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise FetchError(f"bad timeout {text!r}: not a number of seconds above 0")
    return seconds
