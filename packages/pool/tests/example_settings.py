"""How long Hypothesis looks for a counterexample."""

import os

import hypothesis

# In a run that is a sample of all tests, see `conftest.py` at the root.
SAMPLE = 20


def settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=min(examples, SAMPLE) if "SAMPLE_OF_TESTS" in os.environ else examples,
        deadline=None,
        suppress_health_check=[
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
        ],
    )
