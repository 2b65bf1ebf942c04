"""The one exception that is meant for people."""


class MakemoreError(Exception):
    """Something the person can mend. The message is one sentence that says what is wrong and what to do.

    The command line prints it and exits with status 2; the library raises it.
    """
