"""Streams that encrypt in the wrong way."""

import ssl

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import ConnectError, ConnectTimeout, ReadError

STALLS = "test_a_handshake_that_stalls_times_out"
STILL_OPEN = "the socket is still open"


class Changed(ExampleStream):
    """Passes a handshake on; what is changed about it, subclasses say."""

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> ExampleStream:
        return await self.encrypt(ssl_context, server_hostname, timeout)

    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        return await super().start_tls(context, name, timeout)


@fails("test_an_encrypted_stream_reaches_the_server", "ConnectError: no TLS in TLS")
class KnowsOneLayer(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        if self.get_extra_info("ssl_object") is not None:
            await self.aclose()
            raise ConnectError("no TLS in TLS")
        return await super().encrypt(context, name, timeout)


@fails("test_an_encrypted_stream_reaches_the_server", "RuntimeError: no reply")
class GivesNothingBack(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        await super().encrypt(context, name, timeout)
        raise RuntimeError("no reply")


class HasAContextOfItsOwn(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        own.check_hostname = False
        own.verify_mode = ssl.CERT_NONE
        return await super().encrypt(own, name or "localhost", timeout)


fails("test_the_versions_are_those_of_the_context", "TLSv1.3")(HasAContextOfItsOwn)
fails("test_a_protocol_is_negotiated", "assert None == 'h2'")(HasAContextOfItsOwn)
fails("test_without_a_name_none_is_sent", "assert 'localhost' is None")(HasAContextOfItsOwn)
for check in (
    "test_a_certificate_for_another_name_is_refused",
    "test_an_unknown_authority_is_refused",
    "test_an_expired_certificate_is_refused",
    "test_what_is_no_name_is_a_connect_error",
    "test_a_server_without_a_common_version_is_refused",
):
    fails(check, "and did not raise ConnectError")(HasAContextOfItsOwn)


@fails("test_the_server_learns_the_name", "assert None == 'localhost'")
class SendsNoName(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        context.check_hostname = False
        return await super().encrypt(context, None, timeout)


@fails("test_the_context_is_not_changed", "ContractBroken")
class ChangesTheContext(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return await super().encrypt(context, name, timeout)


@fails("test_the_end_of_the_stream_may_come_without_a_farewell", "ReadError: no farewell")
class WantsAFarewell(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        octets = await super().read(max_bytes, timeout)
        if not octets:
            raise ReadError("no farewell")
        return octets


class RaisesTheCause(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        try:
            return await super().encrypt(context, name, timeout)
        except ConnectError as exc:
            raise (exc.__cause__ or exc) from None


for check in (
    "test_a_certificate_for_another_name_is_refused",
    "test_an_unknown_authority_is_refused",
    "test_an_expired_certificate_is_refused",
    "test_a_server_without_a_common_version_is_refused",
    "test_a_handshake_that_is_cut_is_a_connect_error",
    "test_a_handshake_that_is_reset_is_a_connect_error",
    "test_what_is_no_name_is_a_connect_error",
):
    fails(check, "not ConnectError")(RaisesTheCause)


@fails("test_a_certificate_for_another_name_is_refused", "the ConnectError has no __cause__")
class HidesTheCause(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        try:
            return await super().encrypt(context, name, timeout)
        except ConnectError as exc:
            raise ConnectError(str(exc)) from None


class LeavesItOpen(Changed):
    """Does not close what a handshake has left, as it would have to."""

    is_shaking = False

    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        self.is_shaking = True
        try:
            return await super().encrypt(context, name, timeout)
        finally:
            self.is_shaking = False

    async def aclose(self) -> None:
        if not self.is_shaking:
            await super().aclose()


for check in (
    "test_a_certificate_for_another_name_is_refused",
    "test_an_unknown_authority_is_refused",
    "test_an_expired_certificate_is_refused",
    "test_a_server_without_a_common_version_is_refused",
    "test_a_handshake_that_is_cut_is_a_connect_error",
    "test_a_handshake_that_is_reset_is_a_connect_error",
    "test_what_is_no_name_is_a_connect_error",
    "test_a_cancelled_handshake_has_closed_the_connection",
    STALLS,
):
    fails(check, STILL_OPEN)(LeavesItOpen)


@fails(STALLS, "has not come to its end")
@fails("test_the_timeout_is_one_for_the_whole_handshake", "has not come to its end")
class WaitsForEver(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        return await super().encrypt(context, name, None)


@fails(STALLS, "raised ConnectError, not ConnectTimeout")
class CallsATimeoutAnError(Changed):
    async def encrypt(
        self, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> ExampleStream:
        try:
            return await super().encrypt(context, name, timeout)
        except ConnectTimeout as exc:
            raise ConnectError(str(exc)) from exc
