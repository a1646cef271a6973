"""A parser of arguments that refuses as everything here does: in one line."""

import argparse
from typing import NoReturn

from tools.release.error import ReleaseError


class Parser(argparse.ArgumentParser):
    """Raises `ReleaseError` for bad arguments, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise ReleaseError(message)
