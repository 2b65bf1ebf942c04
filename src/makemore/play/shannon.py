"""Shannon's game: the player guesses the characters of a line one by one, and so do the models."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, dataclass

from makemore.corpus.vocab import UNKNOWN
from makemore.errors import MakemoreError, shown
from makemore.files.results import plain
from makemore.metrics.guessing import guessing
from makemore.play.asked import Asked
from makemore.play.held_out import held_out, imported
from makemore.play.workshop import Workshop
from makemore.runs.scoring import Explained

MODELS = 6
"""Models that guess, at most."""

BUTTONS = 80
"""The most characters for which each has a button."""


@dataclass(frozen=True)
class Guessed:
    """A character that was guessed."""

    character: str
    you: int | None
    """At which guess the player was right; None if the player gave up."""
    models: dict[str, int]
    """At which guess each model was right."""


class Letters:
    """Shannon's game."""

    kind = "letters"

    def __init__(self, workshop: Workshop, run: str) -> None:
        self.workshop, self.run, self.lock = workshop, run, asyncio.Lock()
        self.vocab, self.spelling = workshop.opened(run).run.vocab, workshop.opened(run).run.spelling
        self.number, self.last, self.wrong = 0, "", list[str]()
        self.question = 1
        self.ranks: list[int] = []  # of the player, in all lines
        self.given_up: list[range] = []  # the ranks that were left where the player gave up
        self.scores: dict[str, list[Explained]] = {}  # of the models
        self.guessed: list[Guessed] = []  # of this line

    async def begin(self) -> None:
        """Choose the lines, and the models: those of other runs on the same list guess too."""
        first = self.workshop.opened(self.run)
        self.lines = await first.use(held_out)
        same = await first.use(lambda run: run.corpus.fingerprint)
        self.scores[self.run] = []
        for name, opened in [*reversed(self.workshop.runs.items())]:  # the newest first
            if len(self.scores) < MODELS and name not in self.scores and opened.run.vocab == self.vocab:
                try:
                    fair = await opened.use(lambda run: run.corpus.fingerprint == same and not imported(run))
                except MakemoreError:
                    continue  # it cannot be read
                if fair:
                    self.scores[name] = []
        await self._deal()

    async def _deal(self) -> None:
        """Take the next line, and let the models guess it."""
        line, label = self.lines[-1], self.lines[-1].label or None
        found: dict[str, list[Explained]] = {}
        for name in [*self.scores]:
            try:
                opened = self.workshop.opened(name)
                found[name] = await opened.use(lambda run: run.explain(line.text, 1, label))
            except MakemoreError:
                if name == self.run:
                    raise
                del self.scores[name]  # it has no model yet, or none any more
        self.lines.pop()
        self.line, self.found, self.number = line, found, self.number + 1
        self.characters = [each.character for each in found[self.run]]
        self.guessed, self.wrong = [], []

    async def move(self, move: str, asked: Asked) -> None:
        """Guess a character, be shown it, or go on with the next line."""
        over = len(self.guessed) == len(self.characters)
        if move == "next":
            if not self.lines:
                raise MakemoreError("you have played all that is held out; start a new game")
            last = "" if over else self.line.text
            await self._deal()
            self.last = last
        elif move not in ("guess", "show"):
            raise MakemoreError(f"{shown(move)}: no such move", option="move")
        elif over:
            raise MakemoreError("that was all of it; go on with the next one")
        elif move == "show":
            self.given_up.append(range(len(self.wrong) + 1, len(self.vocab) + 1))
            self._reveal(None)
        else:
            guess = self._meant(asked.get("character", str))
            if guess == self.characters[len(self.guessed)]:
                self.ranks.append(len(self.wrong) + 1)
                self._reveal(self.ranks[-1])
            elif guess not in self.wrong:  # a guess that was wrong before counts once
                self.wrong.append(guess)

    def _meant(self, typed: str) -> str:
        for each in (typed, self.spelling.normal(typed), typed.lower(), typed.upper()):
            if each in self.vocab.names:
                return each
        raise MakemoreError(f"{shown(typed)}: not one of the {len(self.vocab) - 1:,} characters of this list")

    def _reveal(self, rank: int | None) -> None:
        """Reveal the next character."""
        at, self.wrong, self.last = len(self.guessed), [], ""
        for name, scores in self.scores.items():
            scores.append(self.found[name][at])
        models = {name: scores[-1].rank for name, scores in self.scores.items()}
        self.guessed.append(Guessed(self.characters[at], rank, models))

    def state(self) -> dict[str, object]:
        """Return what the player may see."""
        models = [
            guessing(each.rank for each in scores).to_json()
            | {"name": name, "exact": plain(_mean([each.nll for each in scores]) / math.log(2))}
            for name, scores in self.scores.items()
        ]
        names = [name for name in self.vocab.names[1:] if name != UNKNOWN]
        return {
            "alphabet": names if len(names) <= BUTTONS else None,
            "characters": len(self.vocab),
            "end": self.vocab.end,
            "label": self.line.label,
            "number": self.number,
            "letters": [asdict(each) for each in self.guessed],
            "wrong": self.wrong,
            "over": len(self.guessed) == len(self.characters),
            "left": len(self.lines),
            "last": self.last,
            "score": {"you": guessing(self.ranks, self.given_up).to_json(), "models": models},
        }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
