"""For mocks of networks, and backends of programs that guard where connections go."""

from httpcore import SOCKET_OPTION as SOCKET_OPTION
from httpcore import AsyncNetworkBackend as AsyncNetworkBackend
from httpcore import AsyncNetworkStream as AsyncNetworkStream
from httpcore import NetworkBackend as NetworkBackend
from httpcore import NetworkStream as NetworkStream
