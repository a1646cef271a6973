"""What a request holds of a pool until its response has ended."""

import typing

from .closing import Closable


class Lease(typing.Protocol):
    """A request's hold on a connection of a pool."""

    is_over: bool
    """Whether the connection was given back."""

    def end(self, now: float, *, reusable: bool) -> list[Closable] | None:
        """Gives the connection back, at once; the second time nothing happens.

        Args:
            now: The time, in seconds.
            reusable: Whether it can take another request.

        Returns:
            What the caller has to close now, if anything.
        """

    def abandon(self) -> None:
        """Gives the connection back from a finaliser: never waits, takes no lock."""
