"""Programs on what is built on httpcore 1.x: with `hatch run ecosystem:tests` only.

Elsewhere none of those packages is installed, and nothing here is collected.
"""

import os

IS_HERE = os.environ.get("HATCH_ENV_ACTIVE") == "ecosystem"
collect_ignore_glob = [] if IS_HERE else ["test_*.py"]
