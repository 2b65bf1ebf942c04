"""One HTML file that makes new lines in a browser, without a network, a server or the list.

The files in browser/ are the page: its template, its style, which begins with the report's, and plain JavaScript,
which is put into one <script>. The models there are those of makemore.inference again, a character at a time.
The weights (packing.py) and a filter that tells which lines are new (membership.py) are compressed and written in
base64. A Content-Security-Policy lets the page run and style itself with these texts alone, and load nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import zlib
from importlib import resources
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup

from makemore.errors import MakemoreError
from makemore.exports.card import list_name
from makemore.exports.membership import filter_of
from makemore.exports.own import BLANK, CHECKSUM, MARK, sealed
from makemore.exports.packing import Packing, packed
from makemore.exports.weights import no_text
from makemore.files.json_io import to_json
from makemore.inference import FORMS
from makemore.inference.ladder import TYPES
from makemore.reports.render import environment
from makemore.runs.run import Run

SCRIPTS = (
    "tensors",
    "counts",
    "windows",
    "recurrent",
    "attention",
    "mixture",
    "blend",
    "vocabulary",
    "pattern",
    "sampling",
    "explained",
    "kept",
    "page",
)
"""The JavaScript of the page, in the order in which one uses another."""


def refusal(run: Run) -> str:
    """Say why a run cannot be exported; an empty string if it can."""
    types = [run.type] if run.setup.blend is None else [part.type for part in run.setup.blend.parts]
    for type in types:
        if type not in FORMS:
            return f"type {type} has no form without torch, which the page needs"
    return no_text(run.vocab)


def write(run: Run, path: Path) -> None:
    """Write the page of a trained run to a file."""
    if run.form is None:
        raise MakemoreError(
            f"{run.directory}: has no weights that were evaluated, which the page needs; go on with resume=True",
            option="resume",
        )
    packing, thing = Packing(), "line" if run.reading is None else run.reading.thing
    model, found = packed(run, packing), filter_of(run.corpus)
    about: dict[str, object] = {"model": model, MARK: _vocabulary(run), "labels": run.vocab.labels}
    about |= {"name": list_name(run), "thing": thing, "longest": run.corpus.longest, "shares": [[0, 1]]}
    if run.labels is not None:
        shares = run.labels.shares()
        about["shares"] = [*zip(shares.labels.tolist(), shares.shares.tolist(), strict=True)]
    if found is not None:
        about["filter"] = {"bits": found.bits, "hashes": found.hashes, "offset": packing.add(found.content)}
    about["mark"] = f"{list_name(run)} {zlib.crc32(to_json(run.vocab.names).encode()):08x}"
    shared = resources.files("makemore.reports") / "static" / "line.js"
    shared_text = re.sub(r"^export ", "", shared.read_text("utf-8"), flags=re.MULTILINE)
    script = "\n".join([shared_text, *(_text(f"{name}.js") for name in SCRIPTS)])
    style = _templates().get_template("page.css").render()
    page = (
        _templates()
        .get_template("page.html")
        .render(
            about=Markup(to_json(about).replace("<", "\\u003c")),
            weights=base64.b64encode(zlib.compress(bytes(packing), 9)).decode(),
            script=Markup(script),
            style=Markup(style),
            hash=_hash,
            checksum=Markup(f'<meta name="{CHECKSUM}" content="{BLANK}">'),
            name=list_name(run),
            type=run.type,
            thing=thing,
            labels=run.vocab.labels,
            counts=_counts(run),
            lines=len(run.corpus.rows("train")),
            rate="" if found is None else f"about 1 in {_rounded(1 / found.error):,}",
        )
    )
    path.write_bytes(sealed((page.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")))


def _counts(run: Run) -> bool:
    """Return whether the model, or a part of it, counts strings."""
    blend = run.setup.blend
    types = [TYPES[run.type]] if blend is None else [TYPES[part.type] for part in blend.parts]
    return any(each.counting or each.strings for each in types)


def _vocabulary(run: Run) -> dict[str, object]:
    """Return the characters, and how lines are made of them."""
    vocab, reading = run.vocab, run.reading
    things = reading is not None and bool(reading.separator)
    separator = reading.separator if reading is not None and not reading.column else "file"
    return {
        "names": vocab.names,
        "unknown": vocab.unknown,
        "clusters": vocab.forms.clusters,
        "things": things,
        "keep_spaces": reading is not None and reading.keep_spaces,
        "separator": {"file": None, "blank": ""}.get(separator, separator),
    }


def _rounded(n: float) -> int:
    """Return a number with one digit that is not 0."""
    return int(float(f"{n:.1g}"))


def _text(name: str) -> str:
    return (resources.files("makemore.exports") / "browser" / name).read_text("utf-8")


def _hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy knows a text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


@functools.cache
def _templates() -> Environment:
    own, reports = PackageLoader("makemore.exports", "browser"), PackageLoader("makemore.reports")
    return environment(ChoiceLoader([own, PrefixLoader({"report": reports})]))
