"""How a run replaces another without losing anything.

A new run is written to .new/ inside the directory. When it is complete, the files of the old run move to
.old/, those of the new one to their places, config.json last, and .old/ is deleted. Each of the three
directories has a manifest. After a crash, `recover` restores the old run, unless the new one was in place.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from makemore.errors import MakemoreError
from makemore.files.atomic import check_writable, create, sync
from makemore.files.manifest import NAME, Manifest, in_the_way
from makemore.files.paths import kind, unreadable, unwritable
from makemore.runs.recognition import FILES, FOLDERS, NEW, OLD, WEIGHTS, check_own, owned, owned_part


def check_free(directory: Path, overwrite: bool, resumes: bool = True) -> None:
    """Raise MakemoreError if starting a run in a directory, which need not exist, would lose something.

    An existing run may be replaced only with `overwrite`. `resumes` is whether it could also be continued.
    """
    found = kind(directory)
    if found and not os.path.isdir(directory):
        raise MakemoreError(f"{directory}: is a {found}; choose another work_dir", option="work_dir")
    if not found:
        return
    try:
        os.listdir(directory)
    except OSError as error:
        raise MakemoreError(
            f"{unreadable(directory, error)}; choose another work_dir", option="work_dir"
        ) from None
    files = owned(directory)
    if kind(directory / "comparison.json"):
        raise MakemoreError(f"{directory}: holds a comparison; choose another work_dir", option="work_dir")
    if kind(directory / "config.json") and "config.json" not in files:
        raise MakemoreError(
            f"{directory}: not a makemore run, though it has a config.json; choose another work_dir",
            option="work_dir",
        )
    held = [directory / name for name in ("config.json", *WEIGHTS) if name in files]
    held += [directory / OLD / "config.json"] * (OLD in files)  # of a replacement that was interrupted
    if any(map(kind, held)) and not overwrite:
        raise MakemoreError(
            f"{directory}: already holds a run; {'continue it with resume=True, ' * resumes}"
            "replace it with overwrite=True, or choose another work_dir",
            option=(*["resume"] * resumes, "overwrite", "work_dir"),
        )
    check_names(files)
    for name in ("corpus", NEW, OLD):  # these must go as a whole
        if kind(directory / name):
            for path in owned_part(directory / name).foreign():
                raise in_the_way(path, kind(path))
    check_writable(directory / "config.json")


def check_names(files: Manifest) -> None:
    """Raise MakemoreError if something that makemore did not write has the name of one of a run's files."""
    files.check(*FILES)
    files.check(*FOLDERS, NEW, OLD, wanted="directory")
    check_own(files)


@contextlib.contextmanager
def new_run(directory: Path, overwrite: bool) -> Iterator[Manifest]:
    """Yield the manifest of an empty directory to write a run to, config.json last; then move it into place.

    If that fails, the directory is as it was before.
    """
    check_free(directory, overwrite)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(directory / "config.json", error) from None
    recover(directory)
    files = owned(directory)
    had_manifest = files.exists
    try:
        files.claim(NEW, OLD, wanted="directory")
        new = files.make_directory(NEW)
        new.claim(NEW, OLD, wanted="directory")
        yield new
        kept = _switch(files, new)
    except BaseException:
        undo(directory, had_manifest)
        raise
    with contextlib.suppress(MakemoreError):  # the new run is complete; the next one deletes what is left
        recover(directory)
        for folder in kept:
            folder.clear()


def undo(directory: Path, had_manifest: bool) -> None:
    """Leave a directory as it was, after a new run could not replace the old one."""
    recover(directory)
    if not had_manifest:
        with contextlib.suppress(OSError):
            (directory / NAME).unlink(missing_ok=True)


def _switch(files: Manifest, new: Manifest) -> list[Manifest]:
    """Move the old run's files away and the new run's files in.

    Return the folders that stay, since they hold files that makemore did not write.
    """
    directory, kept = files.directory, []
    leaving = [name for name in FILES if name in files]
    leaving += [f"{name}.tmp" for name in leaving]
    for name in FOLDERS:
        if name in files and kind(directory / name):
            folder = owned_part(directory / name)
            if folder.foreign():
                kept.append(folder)
            else:
                leaving.append(name)
    leaving = [name for name in leaving if kind(directory / name)]
    coming = [name for name in (*FILES[1:], *FOLDERS, "config.json") if kind(new.directory / name)]
    if kept:
        new.claim(*(folder.directory.name for folder in kept), wanted="directory")
    try:
        if leaving:
            old = directory / OLD
            old.mkdir(exist_ok=True)
            create(old / NAME, files.path.read_bytes())
            for name in leaving:
                os.rename(directory / name, old / name)
            sync(directory)
        os.replace(new.path, files.path)
        for name in coming:
            os.rename(new.directory / name, directory / name)
        sync(directory)
    except OSError as error:
        raise unwritable(directory / NEW / "config.json", error) from None
    return kept


def recover(directory: Path) -> None:
    """Undo an interrupted replacement, unless the new run was in place, and delete what is left of it."""
    try:
        if not kind(directory / "config.json"):
            _restore_old(directory)
    except OSError as error:
        raise unwritable(directory / "config.json", error) from None
    files = owned(directory)
    for path in (directory / OLD, directory / NEW):
        if path.name in files and kind(path) == "directory":
            for name in FOLDERS:
                if kind(path / name) == "directory":
                    owned_part(path / name).clear()
            owned_part(path).clear()


def _restore_old(directory: Path) -> None:
    """Move the old run's files back to their places."""
    old, new, manifest = directory / OLD, directory / NEW, directory / NAME
    if Manifest(old).exists:
        if not kind(new / NAME) and (files := Manifest(directory)).exists:
            # the new run's manifest is in its place, and some of its files may be
            for name in files.names & {*FILES, "corpus"}:
                if kind(directory / name):
                    os.rename(directory / name, new / name)
            os.rename(manifest, new / NAME)
        os.replace(old / NAME, manifest)
    if OLD in Manifest(directory) and kind(old) == "directory":
        for name in (*reversed(FOLDERS), *(f"{name}.tmp" for name in reversed(FILES)), *reversed(FILES)):
            if kind(old / name):  # config.json last
                os.rename(old / name, directory / name)
        sync(directory)
