"""`python -m makemore` and the `makemore` script."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C ends it without a traceback, even while the rest is imported."""
    try:
        from makemore.cli import main as cli

        cli.main()
    except KeyboardInterrupt:
        print("makemore: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":  # not in the processes that --nproc starts
    main()
