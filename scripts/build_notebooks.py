"""Run the lessons in full and write them as notebooks, with what they printed and drew.

    uv run scripts/build_notebooks.py            all ten, most of an hour on one core
    uv run scripts/build_notebooks.py 3 4        some
    uv run scripts/build_notebooks.py --check    does every notebook have the text of its lesson? (runs nothing)

A lesson's text is lessons/NN_name.py; lessons/NN_name.ipynb is made from it and never edited.
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

from makemore.course import Lesson, lessons
from makemore.files import atomic


def main() -> None:
    """Build or check the notebooks that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, help="which lessons; all if none is named")
    parser.add_argument("--check", action="store_true", help="only see whether text and notebooks agree")
    options = parser.parse_args()
    stale = []
    for lesson in lessons():
        if not lesson.number or (options.numbers and lesson.number not in options.numbers):
            continue
        if options.check:
            if not in_step(lesson):
                stale.append(lesson.path.name)
            continue
        began = time.perf_counter()
        build(lesson)
        print(f"{lesson.path.name}: {time.perf_counter() - began:.0f} s", flush=True)
    if stale:
        sys.exit(f"{', '.join(stale)}: changed since the notebook was built; run scripts/build_notebooks.py")


def in_step(lesson: Lesson) -> bool:
    """Has the notebook the cells of the lesson's text?"""
    path = lesson.path.with_suffix(".ipynb")
    return path.exists() and _cells(jupytext.read(path)) == _cells(jupytext.read(lesson.path))


def build(lesson: Lesson) -> None:
    """Run one lesson and write its notebook."""
    notebook = jupytext.read(lesson.path)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
    with tempfile.TemporaryDirectory() as directory:
        NotebookClient(
            notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": directory}}
        ).execute()
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"  # the same at every build, so that a difference is one of content
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)
    with atomic(lesson.path.with_suffix(".ipynb")) as path:
        path.write_text(jupytext.writes(notebook, fmt="ipynb"), "utf-8")


def _cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def _merged(outputs: list[Any]) -> list[Any]:
    """Printed text in one piece, without the carriage returns and paths of the machine it ran on."""
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
