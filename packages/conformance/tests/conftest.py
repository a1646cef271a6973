"""Makes the modules that tests share importable; pytest's importlib mode does not."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
