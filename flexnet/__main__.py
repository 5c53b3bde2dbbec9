"""`python -m flexnet <stage>`: one job of the workflow, or of a user's own script."""

import sys

from flexnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
