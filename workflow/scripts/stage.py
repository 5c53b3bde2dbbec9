"""Run a stage with the package of this checkout, wherever the job starts and whatever is installed."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if __name__ == "__main__":
    sys.argv.insert(1, "stage")
    runpy.run_module("flexnet", run_name="__main__", alter_sys=True)
