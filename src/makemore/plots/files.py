"""A plot, and plots as files: SVG inside a page, and PNG."""

from __future__ import annotations

import functools
import io
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from makemore.plots.palette import INK, PAPER
from makemore.plots.style import fonts, styled
from makemore.runs.recognition import SIGNED


@dataclass(frozen=True)
class Plot:
    """A figure and the words that go with it."""

    name: str
    """The name of its file, without an ending."""
    title: str
    note: str
    """What to look for."""
    figure: Figure

    def _repr_png_(self) -> bytes:
        """Show the plot in a notebook."""
        file = io.BytesIO()
        write_png(file, self)
        return file.getvalue()


def svg(plot: Plot, key: str) -> str:
    """Return a plot as an SVG element for a page, in its colours and fonts; `key` makes the ids unique."""
    file = io.StringIO()
    with styled():
        empty = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        plot.figure.savefig(file, format="svg", transparent=True, metadata=empty)
    text = file.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    start = text.index(">", text.index("<svg")) + 1
    text = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", text[start:], flags=re.DOTALL)
    text = text.replace(INK, "currentColor").replace(PAPER, "var(--card)").replace("xlink:href", "href")
    text = re.sub(r"font: (?:(bold|700) )?([\d.]+px)[^;\"]*", _font_size, text)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{key}-", text)
    return f'<svg viewBox="{box[1] if box else ""}" role="img" aria-label="{plot.title}">{text}'


def _font_size(font: re.Match[str]) -> str:
    """Return what is kept of a font: its size and weight, since the page has fonts of its own."""
    return f"font-size: {font[2]}" + "; font-weight: bold" * bool(font[1])


def write_png(path: Path | IO[bytes], plot: Plot) -> None:
    """Write a plot to a PNG file. Characters that no installed font has become their code points."""
    figure: Figure = pickle.loads(pickle.dumps(plot.figure))  # a copy, since the plot may go on a page too
    with styled():
        figure.suptitle(plot.title)
        _spell(figure)
        figure.savefig(path, format="png", dpi=150, metadata=SIGNED)


def _spell(figure: Figure) -> None:
    """Spell out characters that have no glyph; longer tick labels become small, vertical on the x axis."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            spelled = [with_glyphs(label) for label in labels]
            if spelled != labels:
                axis.set_ticks(axis.get_ticklocs(), spelled, fontsize=5, rotation=90 * (axis is axes.xaxis))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(with_glyphs(text.get_text()))


def with_glyphs(text: str) -> str:
    """Return a text with the characters that no installed font has spelled as code points."""
    return "".join(c if c == "\n" or ord(c) in _glyphs() else f"U+{ord(c):04X}" for c in text)


@functools.cache
def _glyphs() -> frozenset[int]:
    """Return the code points that the fonts of our plots have."""

    def of(family: str) -> Iterator[int]:
        yield from font_manager.get_font(font_manager.findfont(family)).get_charmap()

    return frozenset(code for family in fonts() for code in of(family))
