"""What went wrong, in one line that says what to look at."""

import socket
import ssl

import httpcore

DEPTH = 10
"""How far a chain of causes is followed."""


class FetchError(Exception):
    """A failure that is the user's to know; the message is one line."""


def describe(exc: Exception, host: str, port: int) -> str:
    """Say in one line what an exception of a request to `host` means."""
    return " ".join(_describe(exc, host, port).split())


def _describe(exc: Exception, host: str, port: int) -> str:
    where = f"{host} port {port}"
    match exc:
        case FetchError():
            return str(exc)
        case httpcore.ConnectError():
            return _describe_connect(exc, host, where)
        case httpcore.ConnectTimeout():
            return f"could not connect to {where} in time"
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


def _describe_connect(exc: Exception, host: str, where: str) -> str:
    for cause in _causes(exc):
        match cause:
            case socket.gaierror():
                return f"cannot find the host {host}: {cause.strerror}"
            case ssl.SSLCertVerificationError():
                hint = "--cacert FILE trusts another authority, -k anyone"
                return f"{where} has no valid certificate: {cause.verify_message} ({hint})"
            case ssl.SSLError():
                return f"no TLS with {where}: {cause.reason or cause}"
            case OSError() if cause.strerror:
                return f"cannot connect to {where}: {cause.strerror}"
    return f"cannot connect to {where}: {_text(exc)}"


def _causes(exc: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = exc
    while cause is not None and len(causes) < DEPTH:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _text(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
