"""`python -m flexnet`, `flexnet`: what a person asks, and behind `stage` the jobs of the workflow."""

import sys

if not __package__:  # started as a file, as it is when it starts itself again
    sys.path.insert(0, __file__.rsplit("/", 2)[0])

from flexnet.isolation import isolate


def main() -> int:
    """Run the command line in an environment of its own; return the exit status."""
    isolate()
    from flexnet.cli import main as run  # after that, so that no foreign module is taken for Python's

    return run()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C before the job itself heeds it
        sys.exit(130)
