"""For programs that speak HTTP/1.1 over a stream of their own."""

from httpcore import HTTP11Connection as HTTP11Connection
