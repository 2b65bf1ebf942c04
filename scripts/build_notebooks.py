"""Run the lessons in full and write them as notebooks, with their output and figures.

    uv run scripts/build_notebooks.py            all of them, an hour on one core
    uv run scripts/build_notebooks.py 3 4        some
    uv run scripts/build_notebooks.py --check    only check that notebooks match their lessons

The text of a lesson is lessons/NN_name.py; lessons/NN_name.ipynb is made from it and never edited.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from typing import Any

import jupytext
from nbclient import NotebookClient

from makemore.course import FAST
from makemore.course.lessons import Lesson, lessons
from makemore.files.atomic import atomic


def main() -> None:
    """Build or check the notebooks given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, help="which lessons; all if none is named")
    parser.add_argument("--anew", action="store_true", help="run lessons even where only their text changed")
    parser.add_argument("--check", action="store_true", help="only check whether texts and notebooks agree")
    options = parser.parse_args()
    every = {lesson.number: lesson for lesson in lessons() if lesson.number}
    for number in options.numbers:
        if number not in every:
            parser.error(f"{number}: no such lesson; there are 1 to {max(every)}")
    if FAST:
        parser.error("MAKEMORE_FAST is set, but notebooks show full runs; unset it")
    stale = []
    for number in options.numbers or every:
        lesson = every[number]
        if options.check:
            if not in_step(lesson):
                stale.append(lesson.path.name)
            continue
        began = time.perf_counter()
        build(lesson, options.anew)
        print(f"{lesson.path.name}: {time.perf_counter() - began:.0f} s", flush=True)
    if stale:
        sys.exit(f"{', '.join(stale)}: changed since the notebook was built; run scripts/build_notebooks.py")


def in_step(lesson: Lesson) -> bool:
    """Return whether the notebook has the same cells as the text of the lesson."""
    path = lesson.path.with_suffix(".ipynb")
    return path.exists() and _cells(jupytext.read(path).cells) == _cells(jupytext.read(lesson.path).cells)


def build(lesson: Lesson, anew: bool = False) -> None:
    """Write a lesson's notebook. If only its text changed, its output is kept; else the lesson is run."""
    notebook = jupytext.read(lesson.path)
    path = lesson.path.with_suffix(".ipynb")
    before = jupytext.read(path) if path.exists() else None
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [cell for cell in before.cells if cell.cell_type == "code"] if before else []
    keep = not anew and _cells(code) == _cells(ran)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    for cell in notebook.cells:
        cell.metadata = {}
    if keep:
        for cell, old in zip(code, ran, strict=True):
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
    else:
        with tempfile.TemporaryDirectory() as directory:
            NotebookClient(
                notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": directory}}
            ).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "makemore": {"mode": "full"},
    }
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"  # the same in every build, so that only content makes a difference
        heading = cell.cell_type == "markdown" and re.match(r"(#+) ", cell.source)
        slide = "-" if not heading else "slide" if len(heading[1]) < 3 else "subslide"
        cell.metadata = {"slideshow": {"slide_type": slide}} | ({"tags": tags[i]} if tags[i] else {})
        if "hide-input" in tags[i]:
            cell.metadata["jupyter"] = {"source_hidden": True}  # folded in JupyterLab too
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)
            _describe(cell)
    with atomic(path) as beside:
        beside.write_text(jupytext.writes(notebook, fmt="ipynb"), "utf-8")


def _cells(cells: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in cells]


def _describe(cell: Any) -> None:
    """Give each figure of a cell what to look for as its alternative text, for browsers, Jupyter and the site."""
    figure = None
    for output in cell.outputs:
        data = output.get("data", {})
        look_for = re.fullmatch(r"\*Look for:\* (.+)", data.get("text/markdown", ""), re.DOTALL)
        if look_for and figure is not None:
            figure.metadata = {"image/png": {"alt": look_for[1]}}
            cell.metadata["mystnb"] = {"image": {"alt": look_for[1]}}
        figure = output if "image/png" in data else None


def _merged(outputs: list[Any]) -> list[Any]:
    """Return outputs with printed text in one piece, without what a carriage return overwrote."""
    merged: list[Any] = []
    for output in outputs:
        if output.output_type == "stream":
            output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
            if merged and merged[-1].output_type == "stream" and merged[-1].name == output.name:
                merged[-1].text += output.text
                continue
            if output.name == "stderr":
                sys.exit(f"a lesson complains: {output.text}")
        else:
            output.metadata = {}
        merged.append(output)
    return merged


if __name__ == "__main__":
    main()
