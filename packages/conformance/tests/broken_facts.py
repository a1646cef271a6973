"""Streams that tell the wrong facts."""

import typing

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import is_socket_readable

NAMES = ("ssl_object", "client_addr", "server_addr", "socket", "is_readable")


class Changed(ExampleStream):
    """Passes a question on; what is changed about it, subclasses say."""

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return self.tell(info)

    def tell(self, info: str) -> object:
        fact: object = super().get_extra_info(info)
        return fact


class KnowsNothing(Changed):
    def tell(self, info: str) -> object:
        return None


fails("test_the_addresses_are_those_of_the_connection", "assert None ==")(KnowsNothing)
fails("test_encryption_does_not_hide_the_addresses", "assert None ==")(KnowsNothing)
fails("test_the_socket_is_that_of_the_connection", "returned None")(KnowsNothing)
fails("test_with_tls_there_is_an_ssl_object", "isinstance(None")(KnowsNothing)
fails("test_with_tls_in_tls_the_ssl_object_is_the_inner_one", "assert None is not None")(
    KnowsNothing
)
fails("test_an_idle_stream_is_not_readable", "assert None is False")(KnowsNothing)
fails("test_bytes_make_a_stream_readable", "assert None is True")(KnowsNothing)
for check in (
    "test_a_stream_is_readable_as_soon_as_something_comes",
    "test_the_end_makes_a_stream_readable",
    "test_an_error_makes_a_stream_readable",
):
    fails(check, "the stream does not become readable")(KnowsNothing)
fails("test_a_closed_stream_is_readable", "assert None is True")(KnowsNothing)


@fails("test_without_tls_there_is_no_ssl_object", "is None")
class HasAlwaysAnSSLObject(Changed):
    def tell(self, info: str) -> object:
        return super().tell(info) or (object() if info == "ssl_object" else None)


@fails("test_an_unknown_name_is_none", "KeyError: 'no such name'")
class KnowsItsNamesOnly(Changed):
    def tell(self, info: str) -> object:
        return {name: super(KnowsItsNamesOnly, self).tell(name) for name in NAMES}[info]


class AsksTheSystem(Changed):
    def tell(self, info: str) -> object:
        if info == "server_addr":
            return self.channel.sock.getpeername()
        return super().tell(info)


fails("test_facts_never_raise", "OSError")(AsksTheSystem)
fails("test_facts_of_a_closed_encrypted_stream_never_raise", "OSError")(AsksTheSystem)


class AsksTheSocket(Changed):
    """What the TLS layer has in store, the socket knows nothing of."""

    def tell(self, info: str) -> object:
        if info == "is_readable":
            return not self.channel.is_closed and is_socket_readable(self.channel.sock)
        return super().tell(info)


fails("test_bytes_make_a_stream_readable", "assert False is True")(AsksTheSocket)
fails("test_a_closed_stream_is_readable", "assert False is True")(AsksTheSocket)


@fails("test_an_idle_stream_is_not_readable", "assert True is False")
class IsAlwaysReadable(Changed):
    def tell(self, info: str) -> object:
        return info == "is_readable" or super().tell(info)


class ReadsToKnow(Changed):
    def tell(self, info: str) -> object:
        fact = super().tell(info)
        if fact is True:
            self.channel.receive(1)
        return fact


fails("test_asking_takes_nothing_away", "ReadTimeout: nothing came")(ReadsToKnow)
