"""For dnspython and httpx-socks, which make streams of sockets of their own."""

from httpcore import SyncBackend as SyncBackend
from httpcore_sync import SyncStream as SyncStream
