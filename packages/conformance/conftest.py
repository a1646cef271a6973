"""Makes the template's package importable: its tests are tests of the kit, too."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "template" / "src"))
