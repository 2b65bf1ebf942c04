"""`export`: a trained run in a form that runs elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from makemore.errors import MakemoreError, alike, shown
from makemore.exports import huggingface, onnx, page, target, weights
from makemore.exports.script import write as script
from makemore.files.typed import check_arguments, checked_path
from makemore.runs.run import Run


@dataclass(frozen=True)
class Format:
    """A form that a run can be exported to."""

    write: Callable[[Run, Path], None]
    """Writes a run to an empty directory, or to a file."""
    files: tuple[str, ...] = ()
    """What is in the directory; none if the export is one file."""
    refusal: Callable[[Run], str] = lambda run: ""
    """Says why the format cannot hold a run; an empty string if it can."""
    suffix: str = ""
    """How the name of the file must end."""
    beside: tuple[str, Callable[[Run, Path], None]] | None = None
    """How the name of a second file ends, and what writes it."""


FORMATS = {
    "weights": Format(weights.write, weights.FILES),
    "huggingface": Format(huggingface.write, huggingface.FILES, huggingface.refusal),
    "onnx": Format(onnx.write, refusal=onnx.refusal),
    "page": Format(page.write, refusal=page.refusal, suffix=".html"),
    "script": Format(script.write, refusal=script.refusal, beside=(script.WEIGHTS, script.write_weights)),
}
"""The formats by name. To add one, write its module and one line here."""


def export(run: Run | str | Path, to: str, path: str | Path, overwrite: bool = False) -> Path:
    """Write a trained run in a form that runs elsewhere: the model, without the list.

    Models that count hold each string of up to n characters that occurs, in every form: short lines whole, and
    longer ones in pieces that can often be put together.

    Args:
        run: The run, or its directory.
        to: "weights", a directory of safetensors and JSON; "huggingface", one that `transformers` loads;
            "onnx", a file that `onnxruntime` runs; "page", an HTML file that samples in a browser; or "script",
            a Python file and, beside it, its weights (.pt).
        path: The directory or the file to write.
        overwrite: Replace an export that is already there.

    Returns:
        The path.

    Raises:
        MakemoreError: The run is not trained, the form cannot hold it, or the path cannot be written.

    """
    check_arguments(export, {"to": to, "path": path, "overwrite": overwrite})
    if to not in FORMATS:
        guess = alike(to, FORMATS) or f" there are {', '.join(FORMATS)}"
        raise MakemoreError(f"to {shown(to, 40)}: no such export;{guess}", option="to")
    source = run if isinstance(run, Run) else Run.load(checked_path("run", run))
    form, place = FORMATS[to], checked_path("path", path)
    if why := form.refusal(source):
        fitting = [name for name, each in FORMATS.items() if not each.refusal(source)]
        raise MakemoreError(
            f"{shown(source.directory)}: {why}; export it with to={' or '.join(fitting)}", option="to"
        )
    if not place.name.lower().endswith(form.suffix):
        raise MakemoreError(
            f"{shown(place)}: browsers open it only if its name ends in {form.suffix}; choose such a name",
            option="path",
        )
    target.check_target(place, overwrite, form.files)
    also = {} if form.beside is None else {place.with_suffix(form.beside[0]): form.beside[1]}
    for second in also:
        target.check_script(place)
        target.check_target(second, overwrite, ())
    source.model  # noqa: B018  # says so if it was never trained, before anything is written
    with contextlib.ExitStack() as stack:  # both are complete before either gets its name
        for second, write in also.items():
            write(source, stack.enter_context(target.file(second)))
        made = stack.enter_context(target.directory(place) if form.files else target.file(place))
        form.write(source, made)
    return place
