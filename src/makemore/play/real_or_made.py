"""Real or made: the player tells lines of the list from the model's."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import Callable

from makemore.corpus.vocab import UNKNOWN
from makemore.errors import MakemoreError, shown
from makemore.files.results import plain
from makemore.metrics.intervals import wilson
from makemore.play.asked import Asked
from makemore.play.held_out import Line, held_out
from makemore.play.workshop import Workshop
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

MADE, CHARACTERS = 200, 20_000
"""Lines to sample at a time, and their characters, about, at most."""

LISTED = 10
"""Answers that are listed, the last ones."""


class RealOrMade:
    """A game.

    For each question there is a pair of the same label and length (within a tenth): a held-out line, chosen
    at random, and a line of the model that the list does not have. A coin says which one is shown. So neither
    length nor time tells, and no line is cut.
    """

    kind = "real"

    def __init__(self, workshop: Workshop, run: str) -> None:
        self.workshop, self.run, self.lock = workshop, run, asyncio.Lock()
        self.answers: list[tuple[bool, bool]] = []  # of each: was the line made, and was the answer right?
        self.recent: deque[dict[str, object]] = deque(maxlen=LISTED)
        self.question = 1
        self.made: list[Line] = []
        self.sampled: set[str] = set()

    async def begin(self) -> None:
        """Choose the lines, and ask for the first."""
        self.pool = await self.workshop.opened(self.run).use(held_out)
        await self._deal()

    async def _deal(self) -> None:
        """Choose the next line. If this is cancelled, the game stays as it is, but for lines sampled so far."""
        line: Line | None = None
        is_made = False
        if self.pool:
            real, made = await self._pair()
            side, line = random.choice([(self.pool, real), (self.made, made)])
            side.remove(line)
            is_made = side is self.made
        self.line, self.is_made = line, is_made

    async def _pair(self) -> tuple[Line, Line]:
        """Return a line of the list and one of the model that is like it."""
        for tries in range(4):
            if tries:
                await self._sample()
            alike = dict[tuple[str, int], list[Line]]()
            for each in self.made:
                alike.setdefault((each.label, each.length), []).append(each)
            for real in random.sample(self.pool, len(self.pool)):
                tenth = real.length // 10
                near = range(real.length - tenth, real.length + tenth + 1)
                if made := [each for length in near for each in alike.get((real.label, length), ())]:
                    return real, random.choice(made)
        raise MakemoreError("the model makes nothing as long as what is in the list; train it longer")

    async def _sample(self) -> None:
        """Add lines of the model to those to choose from; none is asked about twice."""
        over = threading.Event()
        try:
            found = await self.workshop.opened(self.run).use(lambda run: sampled(run, over.is_set), long=True)
        finally:
            over.set()
        for each in found:
            if each.text not in self.sampled:
                self.sampled.add(each.text)
                self.made.append(each)

    async def move(self, move: str, asked: Asked) -> None:
        """Say what the line is."""
        if move not in ("real", "made"):
            raise MakemoreError(f"{shown(move)}: no such move", option="move")
        if self.line is None:
            raise MakemoreError("you have seen all that is held out; start a new game")
        right = (move == "made") == self.is_made
        answered = {"text": self.line.text, "label": self.line.label, "made": self.is_made, "right": right}
        is_made = self.is_made
        await self._deal()  # first, so that an answer that is given up does not count
        self.answers.append((is_made, right))
        self.recent.appendleft(answered)

    def state(self) -> dict[str, object]:
        """Return what the player may see."""
        right, made = [right for _, right in self.answers], [right for made, right in self.answers if made]
        streak = next((i for i, each in enumerate(reversed(right)) if not each), len(right))
        return {
            "text": self.line and self.line.text,
            "label": self.line and self.line.label,
            "answers": len(right),
            "right": sum(right),
            "interval": plain(wilson(sum(right), len(right))),
            "made": len(made),
            "taken": len(made) - sum(made),
            "taken_interval": plain(wilson(len(made) - sum(made), len(made))),
            "streak": streak,
            "recent": [*self.recent],
        }


def sampled(run: Run, stop: Callable[[], bool]) -> list[Line]:
    """Return lines of a model that its list does not have, fewer if told to stop."""
    n = max(20, min(MADE, round(CHARACTERS / (1 + run.corpus.mean_length))))
    options = SampleOptions(novel=True, without=UNKNOWN if run.vocab.unknown else ())
    inner = run.vocab.forms.inner
    return [Line(each.text, each.label, len(inner(each.text))) for each in run.stream(n, options, stop=stop)]
