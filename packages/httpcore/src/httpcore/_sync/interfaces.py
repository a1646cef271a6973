"""For hishel, whose caching pools inherit `request` and `stream`."""

from httpcore import ConnectionInterface as ConnectionInterface
from httpcore_pool import RequestInterface as RequestInterface
