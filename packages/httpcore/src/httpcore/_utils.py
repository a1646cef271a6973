"""For httpx-socks, whose streams answer whether something has come."""

from httpcore_interface import is_socket_readable as is_socket_readable
