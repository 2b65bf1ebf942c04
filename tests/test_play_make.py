"""The room Make: what it makes and explains is what the library says, and what is kept stays."""

import re

import pytest
from browser import browser, no_sideways_scroll, page, server  # noqa: F401

from makemore import load

pytestmark = pytest.mark.slow


def enter(page, server, run):  # noqa: F811
    """Go to the room with a run, and wait for the samples that come without asking."""
    page.goto(server.address + "#make")
    page.locator("#make select[data-runs]").select_option(run)
    page.locator("#make-status", has_text="20 samples").wait_for()


def make(page, **fields):  # noqa: F811
    """Fill fields and make."""
    for label, value in fields.items():
        page.locator("#room-make").get_by_label(label.replace("_", " ")).first.fill(value)
    page.get_by_role("button", name="Make some").locator("visible=true").click()


def test_samples_and_their_explanations_are_those_of_the_library(page, server):  # noqa: F811
    run = load(server.directory / "names-lstm")
    enter(page, server, "names-lstm")
    page.locator("#make-more summary").click()
    make(page, Starts_with="ka", How_many="7", Seed="5")
    page.locator("#make-status", has_text="7 samples").wait_for()
    samples = page.locator("#made .row > .line").all_inner_texts()
    assert samples == run.sample(7, prefix="ka", seed=5)
    assert page.locator("#made .mark").all_inner_texts() == [
        {"new": "new", "held-out": "held out", "train": "copy"}[seen] for seen in run.corpus.seen(samples)
    ]

    page.locator("#made .row > .line").first.focus()
    page.keyboard.press("Enter")
    letters = page.locator("#made [role=option]")
    letters.first.wait_for()
    found = run.explain(samples[0], 6)
    assert letters.all_inner_texts() == [*samples[0], "⏎"]
    letters.first.focus()
    for at, expected in enumerate(found):
        rows = page.locator("#made .why tbody tr")
        shown = re.findall(r"[<\d.]+(?=%)", " ".join(rows.locator("td:nth-child(2)").all_inner_texts()))
        wanted = [p for _, p in expected.choices]
        if expected.character not in [character for character, _ in expected.choices]:
            wanted.append(expected.probability)
        assert len(shown) == len(wanted)
        for text, p in zip(shown, wanted, strict=True):
            assert text == "<0.1" if p < 0.001 else float(text) == pytest.approx(100 * p, abs=0.51)
        assert letters.nth(at).get_attribute("aria-selected") == "true"
        page.keyboard.press("ArrowRight")
    assert no_sideways_scroll(page)


def test_what_is_kept_is_still_there_after_a_reload(page, server):  # noqa: F811
    enter(page, server, "names-ngram")
    for at in (0, 3):
        page.locator("#made .keep").nth(at).click()
    page.locator("#kept-lines li:nth-child(2)").wait_for()
    texts = page.locator("#kept-lines .row > .line").all_inner_texts()
    assert page.locator("#made .keep[aria-pressed=true]").count() == len(texts) == 2
    page.reload()
    page.locator("#kept-lines li").first.wait_for()
    assert page.locator("#kept-lines .row > .line").all_inner_texts() == texts
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as text").click()
    assert download.value.path().read_text("utf-8") == "".join(f"{text}\n" for text in texts)
    page.get_by_role("button", name=f"Remove {texts[0]}").click()
    page.locator("#kept-title", has_text="Kept (1)").wait_for()
    assert page.locator("#kept-lines .row > .line").all_inner_texts() == texts[1:]
    page.locator("#made li").first.wait_for()
    assert no_sideways_scroll(page)


def test_what_cannot_be_is_said_next_to_its_field_and_what_takes_long_can_be_given_up(page, server):  # noqa: F811
    enter(page, server, "names-lstm")
    page.locator("#make-more summary").click()
    for name, label, wish in (
        ("prefix", "Starts_with", "ab!"),
        ("length", "Length", "x"),
        ("pattern", "Pattern", "(zq){6}"),
    ):
        make(page, **{label: wish})
        page.locator(f"[name={name}][aria-invalid]").wait_for()
        asked = {"run": "names-lstm", "seed": 1, name: wish}
        sentence = page.request.post(server.address + "api/sample", data=asked).json()["error"]
        assert page.locator("#make-problem").inner_text() == sentence
        make(page, **{label: ""})
        page.locator("#make-problem").wait_for(state="detached")
    make(page, Pattern="[^aeiou]{15}")  # takes long
    page.get_by_role("button", name="Give up").click()
    page.locator("#make-status", has_text="Given up").wait_for()
    make(page, Pattern="")  # is not held up by what goes on in vain
    page.locator("#make-status", has_text="20 samples").wait_for()
    assert page.locator("[aria-invalid]").count() == 0
