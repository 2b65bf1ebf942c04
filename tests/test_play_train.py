"""The rooms List and Train: from a pasted list to a finished run, a race, and a table."""

import json
import urllib.request

import pytest
from browser import browser, no_sideways_scroll, page, server  # noqa: F401

import makemore
from makemore.play.rooms.train import TYPES

pytestmark = pytest.mark.slow


def names(n):
    return makemore.read("names").lines(range(n))


def test_there_is_a_word_about_every_type():
    assert TYPES.keys() == makemore.MODELS.keys()


def test_a_pasted_list_is_trained_on_stopped_and_goes_on(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    page.get_by_label("Paste your list").fill("\n".join(names(300)))
    page.get_by_role("button", name="Use these lines").click()
    page.get_by_text("held-out lines").wait_for()
    assert "300" in page.locator("#found .tiles").inner_text()
    assert no_sideways_scroll(page)
    page.get_by_role("button", name="Train on this list").click()
    page.get_by_label("mixture").uncheck()
    page.get_by_label("mlp sees").check()
    page.get_by_label("Seconds").fill("600")
    page.get_by_role("button", name="Start").click()
    page.locator("svg.curve circle").wait_for()
    page.locator(".babble").first.wait_for()
    assert no_sideways_scroll(page)
    page.reload()  # in the middle: what happened so far is there again
    page.locator(".babble").first.wait_for()
    before = page.locator("svg.curve path").last.get_attribute("d")
    page.wait_for_function(
        "(d) => document.querySelector('svg.curve path:last-of-type').getAttribute('d') !== d", arg=before
    )
    page.get_by_role("button", name="Stop").click()
    page.locator("#racers").get_by_text("stopped, and saved").wait_for()
    run = makemore.load(server.directory / "pasted-mlp")
    steps = run.metrics()[-1].step
    page.get_by_label("Seconds").fill("1")
    page.get_by_role("button", name="Go on").click()
    page.locator("#racers").get_by_text("training").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#racers").get_by_text("stopped, and saved").wait_for()
    assert makemore.load(server.directory / "pasted-mlp").metrics()[-1].step >= steps


def test_a_race_of_two_ends_in_two_runs_with_their_losses(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    page.get_by_label("Paste your list").fill("\n".join(names(200)))
    page.get_by_role("button", name="Use these lines").click()
    page.get_by_role("button", name="Train on this list").click()
    page.get_by_label("mixture").uncheck()
    page.get_by_label("bigram_nn").check()
    page.get_by_label("ngram counts").check()
    page.get_by_label("Seconds").fill("2")
    page.get_by_role("button", name="Start").click()
    page.wait_for_function("() => document.querySelectorAll('#racers section').length === 2")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#racers section')].every((s) => s.innerText.includes('finished'))"
    )
    for card in page.locator("#racers section").all():
        run = makemore.load(server.directory / card.locator("h3").inner_text())
        assert f"Loss on test lines: {run.summary().nll['test']:.3f}" in card.inner_text()


def test_a_table_shows_its_columns(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    rows = "\n".join(f"{name},{'girl' if i % 2 else 'boy'}" for i, name in enumerate(names(200)))
    page.get_by_label("Paste your list").fill(f"name,kind\n{rows}")
    page.get_by_role("button", name="Use these lines").click()
    page.get_by_label("Make more of").select_option("name")
    page.get_by_label("Of what kind each is").select_option("kind")
    page.get_by_text("Kinds: ").wait_for()
    with urllib.request.urlopen(server.address + "api/state") as answer:
        state = json.load(answer)
    assert next(e["how"] for e in state["lists"] if e["name"] == state["chosen"]) == {
        "column": "name",
        "label": "kind",
    }


def test_many_lines_do_not_stall_the_page(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    page.evaluate(
        """(text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          document.querySelector("#paste").dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
        }""",
        "\n".join(names(32_000)),
    )
    page.get_by_text("32,000").first.wait_for()
    assert page.locator("#paste").input_value() == ""
    assert page.locator("#room-list *").count() < 500
