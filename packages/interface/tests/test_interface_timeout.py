import math

import pytest

from httpcore_interface import seconds_to_wait


@pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 1e300])
def test_some_timeouts_wait_for_ever(timeout: float | None) -> None:
    assert seconds_to_wait(timeout) is None


@pytest.mark.parametrize("timeout", [0, 0.0, -0.0, -1, -math.inf, math.nan])
def test_some_timeouts_do_not_wait(timeout: float) -> None:
    assert seconds_to_wait(timeout) == 0


@pytest.mark.parametrize("timeout", [1, 0.25, 1e-9, 86_400.0])
def test_others_wait_for_as_long_as_they_say(timeout: float) -> None:
    assert seconds_to_wait(timeout) == timeout
