"""The page of the playground as a whole: every room by mouse and keyboard, on a phone, in light and in dark."""

import re
import shutil

import pytest
from browser import Server, axe, barriers, browser, no_sideways_scroll, page, server  # noqa: F401

pytestmark = pytest.mark.slow


def test_the_rooms_are_there_and_fit_a_phone(page, server):  # noqa: F811
    page.goto(server.address)
    for name in page.locator("nav a").all_inner_texts():
        page.get_by_role("link", name=name, exact=True).click()
        heading = page.locator("h2:visible", has_text=re.compile(f"^{name}$"))
        heading.wait_for()  # the room changes a moment after the address
        assert no_sideways_scroll(page)
        page.set_viewport_size({"width": 1200, "height": 900})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(page, server, axe, scheme):  # noqa: F811
    page.emulate_media(color_scheme=scheme)
    page.goto(server.address)
    page.evaluate(axe)
    for room in ("list", "train", "make", "inside", "games"):
        page.locator(f'nav a[href="#{room}"]').click()
        page.locator(f"#room-{room}").wait_for()
        page.wait_for_timeout(300)  # what the room shows of the run arrives
        assert barriers(page) == [], room


def test_a_restarted_playground_goes_on_stops_and_says_when_it_is_gone(browser, server, tmp_path):  # noqa: F811
    """Without a list; beside it is a damaged run."""
    for name in ("one", "two"):
        shutil.copytree(server.directory / "names-lstm", tmp_path / name)
    (tmp_path / "one" / "summary.json").write_text("{")
    again, page = Server(tmp_path), browser.new_page()  # noqa: F811
    try:
        page.set_default_timeout(60_000)
        page.goto(again.address + "#train")
        damaged = page.locator("#train-damaged", has_text="one: ")
        damaged.wait_for()
        assert "summary.json" in damaged.inner_text()
        assert page.locator("#train-run option:disabled").all_inner_texts() == ["one (damaged)"]
        assert page.locator("#train-start").is_hidden()
        page.get_by_label("Seconds").fill("600")
        page.get_by_role("button", name="Go on", exact=True).click()
        page.locator("#racers", has_text="training; step").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("#racers", has_text="stopped and saved").wait_for()
        assert page.locator("#gone").is_hidden()
    finally:
        again.end()
    page.locator("#gone", has_text="has ended").wait_for(timeout=5_000)
    page.close()
