"""For hishel and vcrpy, which make requests, responses and bodies."""

from httpcore import URL as URL
from httpcore import Origin as Origin
from httpcore import Proxy as Proxy
from httpcore import Request as Request
from httpcore import Response as Response
from httpcore_pool import ByteStream as ByteStream
