"""For programs that speak HTTP/2 over a stream of their own."""

from httpcore import AsyncHTTP2Connection as AsyncHTTP2Connection
