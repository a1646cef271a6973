"""The bytes of an HTTP/1.1 response (RFC 9112)."""

import http

from ._headers import Headers, header_pairs


def http1_response(
    status: int = 200,
    headers: Headers = (),
    body: bytes = b"",
    *,
    reason: bytes | str | None = None,
) -> bytes:
    """Returns an HTTP/1.1 response as one piece of bytes.

    `Content-Length` is added behind the fields that are given, unless one of them says
    how long the body is, or the status forbids a body (RFC 9112, section 6.3). With
    `Transfer-Encoding: chunked` among them the body goes as one chunk.

    Args:
        status: Three digits.
        headers: A mapping, or (name, value) pairs; bytes or ASCII text.
        body: What follows the head.
        reason: The reason phrase; None is the usual one of the status.

    Raises:
        ValueError: `status` is no number of three digits, or text is not ASCII.
    """
    if not 100 <= status <= 999:
        raise ValueError(f"status is {status}, but has to be a number of three digits")
    pairs = header_pairs(headers)
    sizes = {name.lower(): value for name, value in pairs}
    if sizes.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif not sizes.keys() & {b"content-length", b"transfer-encoding"} and _has_body(status):
        pairs.append((b"Content-Length", b"%d" % len(body)))
    lines = [b"HTTP/1.1 %d %b" % (status, _reason_of(status, reason))]
    lines += [b"%b: %b" % pair for pair in pairs]
    return b"\r\n".join([*lines, b"", body])


def _has_body(status: int) -> bool:
    return status >= 200 and status not in (204, 304)


def _reason_of(status: int, reason: bytes | str | None) -> bytes:
    if isinstance(reason, bytes):
        return reason
    if reason is None:
        reason = http.HTTPStatus(status).phrase if status in list(http.HTTPStatus) else ""
    return reason.encode("ascii")
