"""The automaton of some wishes: what of them a beginning of a line has satisfied, and how much is missing.

Of each text it keeps how many of its first characters the beginning ends with; a text that has to be contained
stays found. How many more characters a state needs at least is found backwards from the states that satisfy all
wishes. After Knuth, Morris, Pratt, "Fast Pattern Matching in Strings" (1977).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

OTHER = "\n"
"""Stands for every character that is in none of the texts; no text has it."""

MOST_STEPS = 300_000
"""The most steps of an automaton: it takes about a second to make, and 50 MB."""

State = tuple[int, ...]


class Automaton:
    """Reads lines and keeps what they have of some texts.

    Args:
        ends_with: What a line ends with.
        contains: Texts that it contains.
        without: Texts that it does not contain, none of them empty.
        characters: The characters of lines.

    Raises:
        OverflowError: It would have more than MOST_STEPS steps.

    """

    def __init__(
        self, ends_with: str, contains: Iterable[str], without: Iterable[str], characters: str
    ) -> None:
        self._texts = (ends_with, *contains, *without)
        self._found = range(1, 1 + len(tuple(contains)))  # which of them have to be contained
        self._borders = [_borders(text) for text in self._texts]
        self.special = sorted(set("".join(self._texts)) & set(characters))
        """The characters of lines that are in the texts."""
        self.steps: list[dict[str, int | None]] = []
        """For each state, the next one after each special character, and after any OTHER if there are others;
        None once a text is there that must not be. State 0 is that of an empty line."""
        self.states = self._reachable(set(self.special) < set(characters))
        """What each state keeps: of each text, how many characters."""
        goals = [i for i in range(len(self.states)) if self._is_goal(self.states[i])]
        self.goals = frozenset(goals)
        """The states that satisfy all wishes."""
        self.needs = self._distances()
        """How many more characters each state needs at least; inf if it can never satisfy the wishes."""
        after = [self.needs[i] for i in self.steps[0].values() if i is not None]
        self.first = 1 + min(after, default=math.inf)
        """How many characters a line needs at least, which is not empty."""

    def read(self, text: str) -> int | None:
        """Return the state after a text."""
        state: int | None = 0
        for character in text:
            if state is None:
                break
            steps = self.steps[state]
            state = steps[character] if character in steps else steps[OTHER]
        return state

    def missing(self, text: str) -> float:
        """Return how many more characters are needed after a text, at least; inf if it can never be enough."""
        state = self.read(text)
        return math.inf if state is None else self.needs[state]

    def _is_goal(self, state: State) -> bool:
        return all(state[i] == len(self._texts[i]) for i in (0, *self._found))

    def _after(self, state: State, character: str) -> State | None:
        after = []
        for i, (text, k) in enumerate(zip(self._texts, state, strict=True)):
            if i not in self._found or k < len(text):
                while k and text[k : k + 1] != character:
                    k = self._borders[i][k]
                k += text[k : k + 1] == character
            if i > len(self._found) and k == len(text):
                return None
            after.append(k)
        return tuple(after)

    def _reachable(self, others: bool) -> list[State]:
        """Return all states, and fill `steps`."""
        characters = [*self.special, OTHER] if others else self.special
        states = [(0,) * len(self._texts)]
        numbers = {states[0]: 0}
        for state in states:  # which grows
            steps: dict[str, int | None] = {}
            for character in characters:
                after = self._after(state, character)
                if after is not None and after not in numbers:
                    numbers[after] = len(states)
                    states.append(after)
                steps[character] = None if after is None else numbers[after]
            self.steps.append(steps)
            if len(states) * len(characters) > MOST_STEPS:
                raise OverflowError
        return states

    def _distances(self) -> list[float]:
        before: list[list[int]] = [[] for _ in self.states]
        for state, steps in enumerate(self.steps):
            for after in {each for each in steps.values() if each is not None}:
                before[after].append(state)
        needs = [0.0 if state in self.goals else math.inf for state in range(len(self.states))]
        queue = deque(self.goals)
        while queue:
            state = queue.popleft()
            for each in before[state]:
                if needs[each] == math.inf:
                    needs[each] = needs[state] + 1
                    queue.append(each)
        return needs


def _borders(text: str) -> list[int]:
    """Return, for each k, the longest text shorter than text[:k] that this both begins and ends with."""
    borders = [0, 0]
    for i in range(1, len(text)):
        k = borders[i]
        while k and text[k] != text[i]:
            k = borders[k]
        borders.append(k + (text[k] == text[i]))
    return borders
