"""For respx and vcrpy, which put their mocks into this class."""

from httpcore import AsyncConnectionPool as AsyncConnectionPool
