"""A limit on the work that the structure of one file may take."""

MAX_STEPS = 500_000  # a second at most; hours of sound have fewer frames or pages


class TooManySteps(Exception):
    """The file has more parts than any honest one."""


class Steps:
    """The steps that are left for a file: one for each frame, page or chunk that is looked at.

    A file can be made so that it takes any amount of them, and they run in Python, where they
    keep other threads waiting.

    Attributes:
        left: how many may be taken.
    """

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def take(self, n: int = 1) -> None:
        """Count `n` steps.

        Raises:
            TooManySteps: none are left.
        """
        self.left -= n
        if self.left < 0:
            raise TooManySteps
