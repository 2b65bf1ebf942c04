"""`python -m makemore` is `makemore`."""

from makemore.cli import main

if __name__ == "__main__":  # not in the processes that --nproc starts
    main()
