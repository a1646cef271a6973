"""For respx, which puts its mocks into this class."""

from httpcore import AsyncHTTPConnection as AsyncHTTPConnection
