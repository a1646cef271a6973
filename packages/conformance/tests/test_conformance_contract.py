import pytest

from httpcore_conformance import ContractBroken
from httpcore_conformance._contract import contract


def test_a_failed_assertion_is_told_with_the_sentence() -> None:
    @contract("two is one")
    def check() -> None:
        raise AssertionError("2 != 1")

    with pytest.raises(ContractBroken) as caught:
        check()
    assert str(caught.value) == "the contract: two is one\n2 != 1"
    assert isinstance(caught.value.__cause__, AssertionError)


def test_any_other_exception_is_told_with_its_name() -> None:
    message = r"the contract: no noise\nOSError: bang"
    with pytest.raises(ContractBroken, match=message), contract("no noise"):
        raise OSError("bang")


def test_the_innermost_sentence_counts() -> None:
    with pytest.raises(ContractBroken) as caught, contract("outer"), contract("inner"):
        raise AssertionError("2 != 1")
    assert str(caught.value) == "the contract: inner\n2 != 1"


@pytest.mark.parametrize(
    "outcome",
    [pytest.skip.Exception("no IPv6"), pytest.fail.Exception("no"), KeyboardInterrupt()],
    ids=repr,
)
def test_what_is_no_verdict_goes_on(outcome: BaseException) -> None:
    with pytest.raises(type(outcome)) as caught, contract("anything"):
        raise outcome
    assert caught.value is outcome


def test_a_check_that_passes_returns() -> None:
    @contract("all is well")
    def check() -> None:
        pass

    check()
