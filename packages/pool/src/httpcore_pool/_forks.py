"""What becomes of pools when their process forks.

A child inherits the descriptors of its parent. Were it to send a request over one
of those connections, each of the two would get parts of the other's answers. So
in the child every pool begins anew, with nothing but its options.
"""

import os
import socket
import typing
import weakref

from httpcore_interface import AsyncNetworkStream


class Inheritor(typing.Protocol):
    """Whatever holds connections."""

    def begin_anew(self) -> None:
        """Forgets every connection, in the child: nothing is sent, nobody is woken."""


_inheritors: weakref.WeakSet[Inheritor] = weakref.WeakSet()

# Kept for good: a transport that is collected complains that nobody has closed it, and
# may take its descriptor out of an event loop that both processes share.
_inherited: list[object] = []


def watch(inheritor: Inheritor) -> None:
    """Has something begin anew in every child of this process, while it lives."""
    _inheritors.add(inheritor)


def let_go(stream: AsyncNetworkStream) -> None:
    """Frees the child's descriptor of a connection, which goes on in the parent."""
    sock = stream.get_extra_info("socket")
    if isinstance(sock, socket.socket):
        # No shutdown, no farewell of TLS: both would reach the peer.
        sock.close()
    keep(stream)


def keep(inherited: object) -> None:
    """Keeps something of the parent's for good."""
    _inherited.append(inherited)


def _begin_anew() -> None:
    for inheritor in list(_inheritors):
        inheritor.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
