"""Archives as they are released: with `hatch run release:tests` only.

Elsewhere twine, which checks them, is not installed, and nothing here is collected.
"""

import os

IS_HERE = os.environ.get("HATCH_ENV_ACTIVE") == "release"
collect_ignore_glob = [] if IS_HERE else ["test_*.py"]
