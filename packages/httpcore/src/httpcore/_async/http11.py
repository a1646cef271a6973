"""For programs that speak HTTP/1.1 over a stream of their own."""

from httpcore import AsyncHTTP11Connection as AsyncHTTP11Connection
