"""For hishel, and programs that took the exceptions from here."""

from httpcore import ConnectError as ConnectError
from httpcore import ConnectionNotAvailable as ConnectionNotAvailable
from httpcore import ConnectTimeout as ConnectTimeout
from httpcore import LocalProtocolError as LocalProtocolError
from httpcore import NetworkError as NetworkError
from httpcore import PoolTimeout as PoolTimeout
from httpcore import ProtocolError as ProtocolError
from httpcore import ProxyError as ProxyError
from httpcore import ReadError as ReadError
from httpcore import ReadTimeout as ReadTimeout
from httpcore import RemoteProtocolError as RemoteProtocolError
from httpcore import TimeoutException as TimeoutException
from httpcore import UnsupportedProtocol as UnsupportedProtocol
from httpcore import WriteError as WriteError
from httpcore import WriteTimeout as WriteTimeout
