"""Programs for people, run as ``python -m scripts.NAME`` from the project's root."""

from __future__ import annotations

import sys
from pathlib import Path

# The shared package is laid out as a Lambda layer, not installed; the programs find it where it lies.
_CORE = str(Path(__file__).resolve().parent.parent / "layers" / "core")
if _CORE not in sys.path:
    sys.path.insert(0, _CORE)
