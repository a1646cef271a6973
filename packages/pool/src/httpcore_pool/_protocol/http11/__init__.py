"""HTTP/1.1 (RFC 9112) as a client, for one exchange at a time.

    grammar.py    the strict grammar that both directions share
    request.py    a request's head and the framing of its body, as bytes
    response.py   the fast lane: plain responses, parsed by the grammar
    fallback.py   h11: whatever the lane declines

h11 is the authority on what is valid and what it means. The lane's grammar is
never wider than h11's, so that what the lane accepts h11 would have accepted with
the same result; everything else, byte for byte, goes to an h11 connection.
"""

from .request import RequestWriter
from .response import Head, ResponseReader

__all__ = ["Head", "RequestWriter", "ResponseReader"]
