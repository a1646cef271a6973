"""For hishel, whose caching pools inherit `request` and `stream`."""

from httpcore import AsyncConnectionInterface as AsyncConnectionInterface
from httpcore_pool import AsyncRequestInterface as AsyncRequestInterface
