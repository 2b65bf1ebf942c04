"""Take the pictures of the playground that README.md and docs/ show.

    uv run python scripts/build_playground.py            # some minutes; needs Chromium
    uv run python scripts/build_playground.py --all DIR  # every room, light and dark, wide and on a phone

Trains an LSTM and a mixture on the bundled names in the playground itself, and then visits its rooms. Writes
docs/_static/playground-*.png.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
ROOMS = ("list", "train", "make", "inside", "games")
SECONDS = 60


def main() -> None:
    """Train, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="DIR", help="take every picture, and write it here")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        server = subprocess.Popen(
            [sys.executable, "-m", "makemore", "play", "names", "--no-open", "-o", directory],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        )
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(600_000)
        page.goto(address[0] + "#list")
        page.get_by_role("button", name="Train on this list").click()
        page.locator("#types [value=lstm]").check()
        page.get_by_label("Seconds").fill(str(SECONDS))
        page.get_by_role("button", name="Start").click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('#racers section')].filter("
            "(s) => s.innerText.includes('finished')).length === 2"
        )
        if options.all is None:
            page.set_viewport_size({"width": 1200, "height": 1300})
            picture(page, "train", ROOT / "docs" / "_static", whole=False)
            picture(page, "inside", ROOT / "docs" / "_static", whole=False)
        else:
            for scheme, width in itertools.product(("light", "dark"), (1200, 390)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 900})
                for room in ROOMS:
                    picture(page, room, options.all, f"-{scheme}-{width}")
        browser.close()
        server.terminate()
        server.wait()


def picture(page: Page, room: str, folder: Path, more: str = "", whole: bool = True) -> None:
    """Visit a room, do something in it, and take its picture, of the whole page or of what is on the screen."""
    page.locator(f'nav a[href="#{room}"]').click()
    if room == "inside":
        page.locator("#room-inside input[type=text], #room-inside textarea").first.fill("mari")
    page.wait_for_timeout(3000)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"playground-{room}{more}.png"
    page.screenshot(path=path, full_page=whole)
    with Image.open(path) as image:  # a palette of 128 colours takes a third of the bytes
        image.convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
