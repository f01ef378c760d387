"""The default run as a mapping, with the study of multipoles alone and one seed."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def multipoles_run() -> dict[str, Any]:
    """Return the settings of the default run without what its other studies and seeds add."""
    run: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    for section in ("variants", "tables"):
        del run[section]
    del run["training"]["variants"]
    run["training"] |= {"seeds": [1], "seeds_together": False}
    shown = ["AC-D", "AC-DQ-dw100", "AC-AD-DQ-dw100-c"]
    run["figures"] = {"style": run["figures"]["style"], "showcase_variants": shown}
    return run | {"studies": ["multipoles"], "learning_curve": {"datasets": ["qm9"]}}
