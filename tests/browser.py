"""Fixtures for tests of the playground: a server of its own, and a page in a real, headless Chromium.

Import what a test file needs: `from browser import browser, page, server`. Where no Chromium is found, tests
that use `page` are skipped and say so; on CI they fail.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NoReturn

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def without(what: str) -> NoReturn:
    """Skip a test for want of a program, or fail, where CI ought to have it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; on CI these tests must run")
    pytest.skip(what)


class Server:
    """A playground in a process of its own."""

    def __init__(self, directory: Path, *what: str) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "makemore", "play", *what, "--no-open", "-o", str(directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        )
        found = re.search(r"http://127\.0\.0\.1:(\d+)/([\w-]+)/", self.process.stdout.readline())
        assert found, self.process.stderr.read()
        self.address, self.port, self.token = found[0], int(found[1]), found[2]

    def end(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def browser():
    """Return a Chromium."""
    if CHROMIUM is None:
        without("no Chromium here; install it with: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """Return the script of axe-core, which finds what keeps people out of a page."""
    folder = tmp_path_factory.mktemp("axe")
    if shutil.which("npm") is None:
        without("no npm here, which fetches axe-core")
    packed = subprocess.run(["npm", "pack", "axe-core@4"], cwd=folder, capture_output=True, text=True)
    if packed.returncode:
        without(f"npm cannot fetch axe-core: {packed.stderr[-300:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return a playground that the tests of a file share, with a small run of a counting type and of an LSTM."""
    import makemore

    place = tmp_path_factory.mktemp("play")
    directory, some = place / "play", place / "names.txt"
    some.write_text("\n".join(makemore.read("names").lines(range(0, 32_000, 10))), "utf-8")
    makemore.train(some, type="ngram", work_dir=directory / "names-ngram", progress=False)
    makemore.train(some, type="lstm", work_dir=directory / "names-lstm", max_steps=20, progress=False)
    started = Server(directory)
    yield started
    started.end()


@pytest.fixture
def page(browser, server):
    """Return an empty page of 1,200 pixels; the test fails if it prints anything or asks another host.

    Chromium prints each answer of status 400, which is how the server says what is wrong; these are no fault.
    """
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: "status of 400" in message.text or wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda asked: asked.url.startswith((server.address, "data:")) or wrong.append(asked.url)
    )
    page.set_default_timeout(120_000)
    yield page
    context.close()
    assert wrong == []


def no_sideways_scroll(page) -> bool:
    """Return whether the page fits a phone, 390 pixels wide."""
    page.set_viewport_size({"width": 390, "height": 844})
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def barriers(page) -> list[tuple[str, list[str]]]:
    """Return what axe-core, which the page has loaded, finds wrong with it, and where."""
    found = page.evaluate("axe.run()")["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
