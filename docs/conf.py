"""Sphinx configuration of the site. Build it with

    uv run sphinx-build -W --keep-going docs docs/_build

Nothing is loaded from elsewhere: no fonts, no scripts. What is made from the code is written to docs/generated/ first:
the command-line reference, the lessons with their outputs, and the list of the museum's bugs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import latex2mathml.converter
from docutils.nodes import SkipNode

from makemore import __version__
from makemore.course import lessons as course
from makemore.plots import palette

HERE = Path(__file__).parent
GENERATED = HERE / "generated"

project = "makemore"
author = "the makemore authors"
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_numpy_docstring = False
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
html_theme = "furo"
html_title = "makemore"
html_static_path = ["_static"]
html_css_files = ["site.css"]


def variables(colours: dict[str, str]) -> dict[str, str]:
    """Return the theme's variables in the colours of the reports and of the playground."""
    names = {
        "page": ("background-primary", "code-background"),
        "card": ("background-secondary", "card-background", "sidebar-background"),
        "ink": ("foreground-primary", "code-foreground"),
        "dim": ("foreground-secondary", "foreground-muted"),
        "line": ("background-border", "card-border", "sidebar-background-border"),
        "accent": ("brand-primary", "brand-content", "brand-visited"),
    }
    return {f"color-{name}": colours[colour] for colour, some in names.items() for name in some}


html_theme_options = {
    "light_css_variables": variables(palette.LIGHT),
    "dark_css_variables": variables(palette.DARK),
}
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
add_module_names = False
nb_execution_mode = "off"  # scripts/build_notebooks.py ran them, in full
nb_merge_streams = True
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"  # what browsers set themselves, without a script from elsewhere
myst_links_external_new_tab = False
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}


def cli() -> str:
    """Return the reference of the command line: what --help prints, for each command."""
    from makemore.cli.app import commands, page

    os.environ["COLUMNS"] = "88"
    parts = ["# Command line\n\nWhat `--help` prints.\n", f"```text\n{page('')}\n```\n"]
    for name in commands():
        parts.append(f"## makemore {name}\n\n```text\n{page(name)}\n```\n")
    from makemore.models import MODELS, knobs

    parts.append(
        "## Options of each type\n\nWhat `makemore train` and `--type` take besides.\n\n"
        "| type | option | what it is | default |\n| --- | --- | --- | --- |\n"
    )
    for type in MODELS:
        for knob in knobs(type):
            parts.append(f"| `{type}` | `--{knob.name.replace('_', '-')}` | {knob.help} | {knob.default} |\n")
    return "".join(part if part.startswith("|") else "\n" + part for part in parts).lstrip()


def museum() -> str:
    """Return the page of the bug museum: what is wrong with each program, not why."""
    parts = [
        "# The bug museum\n\nEach of these programs has one bug, which somebody really had. `makemore lessons start museum` "
        "copies them to the directory `museum`. Run one, look at its figure, find out why, mend it. `makemore lessons "
        "check museum` tells whether the mend is right; `makemore lessons hint museum NAME` gives a hint, and another "
        "when you ask again; `makemore lessons solutions museum NAME` tells what was wrong.\n"
    ]
    for i, bug in enumerate(course.bugs(), 1):
        parts.append(
            f"## {i}. {bug.title[0].upper()}{bug.title[1:]}\n\n*After lesson {bug.after}.* {bug.symptom}\n"
        )
        parts.append(f"```python\n{bug.path.read_text('utf-8')}```\n")
    return "\n".join(parts)


def generate() -> None:
    """Write what is made from the code."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    (GENERATED / "lessons").mkdir(parents=True)
    (GENERATED / "cli.md").write_text(cli(), "utf-8")
    (GENERATED / "museum.md").write_text(museum(), "utf-8")
    for lesson in course.lessons():
        if lesson.number:
            notebook = lesson.path.with_suffix(".ipynb")  # missing: scripts/build_notebooks.py makes it
            shutil.copyfile(notebook, GENERATED / "lessons" / notebook.name)
    shutil.copytree(course.folder() / "pictures", GENERATED / "lessons" / "pictures")


def inline_math(self: Any, node: Any) -> None:
    """Write a formula in a line as MathML."""
    self.body.append(latex2mathml.converter.convert(node.astext()))
    raise SkipNode


def block_math(self: Any, node: Any) -> None:
    """Write a formula on a line of its own as MathML."""
    self.body.append(latex2mathml.converter.convert(node.astext(), display="block"))
    raise SkipNode


def setup(app: Any) -> None:
    """Called by Sphinx before it reads anything."""
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    generate()
