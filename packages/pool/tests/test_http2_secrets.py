"""What hpack decodes for us is in no log: there are cookies in it."""

import importlib
import logging

import hpack
import pytest

from httpcore_pool._protocol.http2.decompressor import Decompressor

SECRET = "s3cr-et"
# Nothing of it is coded, so that no form of the secret can be overlooked.
FIELD = b"\x40\x0aset-cookie\x09a=s3cr-et"
# hpack's to judge: the table is resized first, to its usual size.
RESIZED = b"\x3f\xe1\x1f" + FIELD
# Longer than what the lane looks at.
LONG = FIELD + b"\x00\x01x\x7f\x81\x10" + b"y" * 2176
FLOOD = b"\x40\x01x\x7f\x81\x1e" + b"z" * 3968


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    importlib.import_module("httpcore_pool._core.http2")
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([FIELD], id="lane"),
        pytest.param([RESIZED], id="resized"),
        pytest.param([LONG], id="long"),
        pytest.param([RESIZED, b"\xbe"], id="indexed"),
        pytest.param([FIELD, FLOOD, FLOOD], id="evicted by hpack"),
        pytest.param([FIELD, *[b"\x40\x01x\x7f\x81\x06" + b"z" * 896] * 5], id="evicted"),
        pytest.param([FIELD, b"\x20"], id="table given up"),
    ],
)
def test_what_is_decompressed_is_not_logged(
    blocks: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    decompressor = Decompressor(64 * 1024)
    fields = [field for block in blocks for field in decompressor.decompress(block)]
    assert (b"set-cookie", b"a=s3cr-et") in fields
    assert SECRET not in caplog.text


def test_block_that_is_refused_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(hpack.HPACKError):
        Decompressor(64 * 1024).decompress(RESIZED + b"\x80")
    assert SECRET not in caplog.text


def test_logs_of_others_stay_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    Decompressor(64 * 1024).decompress(RESIZED)
    with pytest.raises(hpack.HPACKError):
        Decompressor(64 * 1024).decompress(RESIZED + b"\x80")
    hpack.Decoder().decode(FIELD, raw=True)
    assert SECRET in caplog.text
