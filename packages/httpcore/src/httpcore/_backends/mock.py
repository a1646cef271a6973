"""For test suites that took the mocks from here."""

from httpcore import AsyncMockBackend as AsyncMockBackend
from httpcore import AsyncMockStream as AsyncMockStream
from httpcore import MockBackend as MockBackend
from httpcore import MockStream as MockStream
