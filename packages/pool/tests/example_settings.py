"""How long Hypothesis looks for a counterexample."""

import hypothesis

# In a run that is a sample of all tests, see `conftest.py` at the root.
SAMPLE = 20


def settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=min(examples, SAMPLE) if _is_sample() else examples,
        deadline=None,
        suppress_health_check=[
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
        ],
    )


def _is_sample() -> bool:
    return hypothesis.settings.get_current_profile_name() == "sample"
