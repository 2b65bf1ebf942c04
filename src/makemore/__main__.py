"""`python -m makemore` is `makemore`."""

from makemore.cli import main

main()
