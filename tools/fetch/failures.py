"""What went wrong, in one line that says what to look at."""

import socket
import ssl

import httpcore

DEPTH = 10
"""How far a chain of causes is followed."""


class FetchError(Exception):
    """A failure that is the user's to know; the message is one line."""


def describe(exc: Exception, host: str, port: int, proxy: httpcore.Proxy | None = None) -> str:
    """Say in one line what an exception of a request to `host` means.

    Args:
        exc: The exception.
        host: The host that the request was for.
        port: Its port.
        proxy: What the request went through, if anything.
    """
    return " ".join(_describe(exc, host, f"{host} port {port}", proxy).split())


def _describe(exc: Exception, host: str, where: str, proxy: httpcore.Proxy | None) -> str:
    match exc:
        case FetchError():
            return str(exc)
        case httpcore.ProxyError() if proxy is not None:
            hint = " (--proxy takes USER:PASSWORD@ before the host)" * (exc.status == 407)
            return f"no way through the proxy {_place_of(proxy)}: {_text(exc)}{hint}"
        case httpcore.ConnectError():
            return _describe_connect(exc, host, where, proxy)
        case httpcore.ConnectTimeout():
            through = "" if proxy is None else f" through the proxy {_place_of(proxy)}"
            return f"could not connect to {where}{through} in time"
        case httpcore.ReadTimeout():
            return f"{where} did not answer in time"
        case httpcore.WriteTimeout():
            return f"{where} did not take the request in time"
        case httpcore.TimeoutException():
            return f"out of time: {_text(exc)}"
        case httpcore.NetworkError():
            return f"the connection to {where} broke: {_text(exc)}"
        case httpcore.RemoteProtocolError():
            return f"{where} does not keep to HTTP: {_text(exc)}"
        case httpcore.LocalProtocolError():
            return f"this would not be a valid request: {_text(exc)}"
        case _:
            return f"{type(exc).__name__}: {_text(exc)}"


def _describe_connect(
    exc: Exception, host: str, where: str, proxy: httpcore.Proxy | None
) -> str:
    # What is connected to, and whose certificate is looked at.
    reached = secured = where
    if proxy is not None:
        host = proxy.url.host.decode()
        reached = f"the proxy {_place_of(proxy)}"
        if proxy.url.scheme == b"https":
            secured = f"{where} or {reached}"
    for cause in _causes(exc):
        match cause:
            case socket.gaierror():
                return f"cannot find the host {host}: {cause.strerror}"
            case ssl.SSLCertVerificationError():
                hint = "--cacert FILE trusts another authority, -k anyone"
                return f"{secured} has no valid certificate: {cause.verify_message} ({hint})"
            case ssl.SSLError():
                return f"no TLS with {secured}: {cause.reason or cause}"
            case OSError() if cause.strerror:
                return f"cannot connect to {reached}: {cause.strerror}"
    return f"cannot connect to {reached}: {_text(exc)}"


def _place_of(proxy: httpcore.Proxy) -> str:
    origin = proxy.url.origin
    return f"{origin.host.decode()} port {origin.port}"


def _causes(exc: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = exc
    while cause is not None and len(causes) < DEPTH:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _text(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
