import pytest
from example_backend import ExampleBackend

import httpcore_conformance


class TestExampleBackend(httpcore_conformance.AsyncBackendConformance):
    library = "asyncio"

    @pytest.fixture
    def backend(self) -> ExampleBackend:
        return ExampleBackend()
