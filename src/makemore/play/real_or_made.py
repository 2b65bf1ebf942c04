"""Real or made: the player tells lines of the list from the model's."""

from __future__ import annotations

import asyncio
import random
from collections import deque

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
        self.line: Line | None = None
        if self.pool:
            line, self.is_made = await self.workshop.opened(self.run).use(self._pair)
            self.line = line

    def _pair(self, run: Run) -> tuple[Line, bool]:
        for _ in range(3):
            for real in random.sample(self.pool, len(self.pool)):
                made = [
                    each
                    for each in self.made
                    if each.label == real.label and abs(each.length - real.length) <= real.length // 10
                ]
                if made:
                    side, line = random.choice([(self.pool, real), (self.made, random.choice(made))])
                    side.remove(line)
                    return line, side is self.made
            self._sample(run)
        raise MakemoreError("the model makes nothing as long as what is in the list; train it longer")

    def _sample(self, run: Run) -> None:
        n = max(20, min(MADE, round(CHARACTERS / (1 + run.corpus.mean_length))))
        options = SampleOptions(novel=True, without=UNKNOWN if run.vocab.unknown else ())
        for each in run.stream(n, options):
            if each.text not in self.sampled:  # none is asked about twice
                self.sampled.add(each.text)
                self.made.append(Line(each.text, each.label, len(run.vocab.forms.inner(each.text))))

    async def move(self, move: str, asked: Asked) -> None:
        """Say what the line is."""
        if move not in ("real", "made"):
            raise MakemoreError(f"{shown(move)}: no such move", option="move")
        if self.line is None:
            raise MakemoreError("you have seen all that is held out; start a new game")
        right = (move == "made") == self.is_made
        answered = {"text": self.line.text, "label": self.line.label, "made": self.is_made, "right": right}
        self.answers.append((self.is_made, right))
        self.recent.appendleft(answered)
        await self._deal()

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
