"""When a server that says nothing is asked, and when it is given up."""

import pytest

from httpcore_pool._protocol.http2 import Silence, Verdict


@pytest.fixture
def silence() -> Silence:
    return Silence(10.0, now=100.0)


def test_server_is_asked_after_so_many_seconds(silence: Silence) -> None:
    assert silence.judge(109.9) is Verdict.WAIT
    assert silence.judge(110.0) is Verdict.ASK


def test_server_is_given_up_after_as_many_more(silence: Silence) -> None:
    silence.ask(111.0, position=500)
    assert silence.judge(120.9) is Verdict.WAIT
    assert silence.judge(121.0) is Verdict.GIVE_UP


def test_whatever_comes_begins_it_anew(silence: Silence) -> None:
    silence.end(105.0)
    assert silence.judge(114.9) is Verdict.WAIT
    silence.ask(115.0, position=500)
    silence.end(116.0)
    assert silence.judge(125.9) is Verdict.WAIT
    assert silence.judge(126.0) is Verdict.ASK


def test_time_for_an_answer_begins_when_the_question_is_out(silence: Silence) -> None:
    silence.ask(110.0, position=500)
    silence.note_written(500.0, position=499)
    assert silence.judge(500.0) is Verdict.GIVE_UP
    silence.note_written(500.0, position=500)
    assert silence.judge(509.9) is Verdict.WAIT
    # What is written later is no question.
    silence.note_written(509.0, position=600)
    assert silence.judge(510.0) is Verdict.GIVE_UP


def test_question_that_was_answered_before_it_was_noted_is_none(silence: Silence) -> None:
    silence.ask(110.0, position=500)
    silence.end(111.0)
    silence.note_written(112.0, position=500)
    assert silence.judge(121.0) is Verdict.ASK


@pytest.mark.parametrize(
    ("seconds", "now", "expected"),
    [
        (None, 100.0, 10.0),
        (None, 107.0, 3.0),
        (None, 200.0, 0.0),
        (2.0, 107.0, 2.0),
        (3.0, 107.0, 3.0),
        (4.0, 107.0, 3.0),
        (0.0, 200.0, 0.0),
    ],
)
def test_wait_is_no_longer_than_until_a_verdict(
    silence: Silence, seconds: float | None, now: float, expected: float
) -> None:
    assert silence.within(seconds, now) == expected


def test_wait_for_an_answer_is_measured_from_the_question(silence: Silence) -> None:
    silence.ask(115.0, position=500)
    assert silence.within(None, 118.0) == 7.0
