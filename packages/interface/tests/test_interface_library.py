"""Which async library runs, and that none is imported to find out."""

import asyncio
import subprocess
import sys
import threading

import pytest
import trio

import httpcore_interface
from httpcore_interface import create_async_event, running_async_library

NOTHING_RUNS = "^no event loop is running here: neither asyncio nor trio$"


def test_asyncio_is_found() -> None:
    async def main() -> str:
        return running_async_library()

    assert asyncio.run(main()) == "asyncio"


def test_trio_is_found() -> None:
    async def main() -> str:
        return running_async_library()

    assert trio.run(main) == "trio"


def test_nothing_is_found_where_nothing_runs() -> None:
    with pytest.raises(RuntimeError, match=NOTHING_RUNS):
        running_async_library()
    with pytest.raises(RuntimeError, match=NOTHING_RUNS):
        create_async_event()


def test_loop_of_another_thread_does_not_count() -> None:
    failures: list[BaseException] = []

    def look() -> None:
        try:
            running_async_library()
        except RuntimeError as exc:
            failures.append(exc)

    async def main() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    asyncio.run(main())
    trio.run(main)
    assert len(failures) == 2


def test_guest_and_host_are_told_apart() -> None:
    found: list[str] = []

    async def guest() -> None:
        found.append(running_async_library())
        await trio.lowlevel.checkpoint()
        found.append(running_async_library())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        trio.lowlevel.start_guest_run(
            guest,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=done.set_result,
        )
        assert running_async_library() == "asyncio"
        (await done).unwrap()
        assert running_async_library() == "asyncio"

    asyncio.run(main())
    assert found == ["trio", "trio"]


def test_trio_that_may_not_be_imported_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # None in the table of modules is Python's way to forbid an import.
    monkeypatch.setitem(sys.modules, "trio", None)

    async def main() -> str:
        return running_async_library()

    assert asyncio.run(main()) == "asyncio"


# -- a fresh interpreter -------------------------------------------------------------


def printed_by(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50
    )
    return done.stdout.split()


def test_import_costs_no_async_library() -> None:
    assert printed_by(
        "import sys, httpcore_interface\n"
        "httpcore_interface.NetworkBackend().create_event().set()\n"
        "try: httpcore_interface.running_async_library()\n"
        "except RuntimeError: print('nothing')\n"
        "print(*{'asyncio', 'trio', 'anyio', 'sniffio'} & set(sys.modules))\n"
    ) == ["nothing"]


def test_event_of_asyncio_costs_no_trio() -> None:
    assert printed_by(
        "import asyncio, sys, httpcore_interface\n"
        "async def main(): return httpcore_interface.create_async_event()\n"
        "print(type(asyncio.run(main())).__name__)\n"
        "print(*{'trio'} & set(sys.modules))\n"
    ) == ["AsyncioEvent"]


def test_public_classes_are_known_by_their_public_address() -> None:
    # In an interpreter of its own: the facade gives some of them another address.
    assert set(
        printed_by(
            "import httpcore_interface\n"
            "for name in httpcore_interface.__all__:\n"
            "    value = getattr(httpcore_interface, name)\n"
            "    if isinstance(value, type): print(value.__module__)\n"
        )
    ) == {"httpcore_interface"}


def test_public_names_are_sorted_and_there() -> None:
    names = httpcore_interface.__all__
    # Constants, classes, functions: as the linter sorts them.
    assert names == sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(httpcore_interface, name) for name in names)
