"""Which backend a pool uses when none is given.

The one module of this package that knows backends by name. Each is imported when
it is needed, by a plain statement, so that type checkers and freezers see it.
"""

from httpcore_interface import NetworkBackend


def default_backend() -> NetworkBackend:
    """Returns the backend for blocking code.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from httpcore_sync import SyncBackend
    except ImportError as exc:
        raise ImportError(
            "no network backend for blocking code is installed: install httpcore-sync, "
            "or pass network_backend=..."
        ) from exc
    return SyncBackend()
