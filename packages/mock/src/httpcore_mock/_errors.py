"""The error of a mock that is asked for more than it has."""

import typing

if typing.TYPE_CHECKING:
    from ._connection import MockConnection


class UnscriptedError(AssertionError):
    """A mock was asked for something that its script does not have.

    That is a mistake of the test, or what the test is to find. So it is no network error,
    which the program under test might handle, but an assertion that failed.

    Args:
        message: What was asked for, and what had been sent before.
        connection: Where it happened.

    Attributes:
        connection: Where it happened; `connection.written` is what had been sent.
    """

    def __init__(self, message: str, connection: "MockConnection") -> None:
        super().__init__(message)
        self.connection = connection
