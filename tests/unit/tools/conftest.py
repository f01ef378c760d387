"""Tools are modules beside each other, as when one of them is started."""

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[3] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.append(str(TOOLS))
