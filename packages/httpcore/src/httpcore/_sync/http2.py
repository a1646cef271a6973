"""For programs that speak HTTP/2 over a stream of their own."""

from httpcore import HTTP2Connection as HTTP2Connection
