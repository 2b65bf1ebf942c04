"""The rooms List and Train: from a pasted list to a finished run, a race, and a table."""

import json
import urllib.error
import urllib.request

import pytest
from browser import browser, no_sideways_scroll, page, server  # noqa: F401

import makemore

pytestmark = pytest.mark.slow


def names(n):
    return makemore.read("names").lines(range(n))


def paste(page, lines):  # noqa: F811
    page.get_by_label("Paste your list").fill("\n".join(lines))
    page.get_by_role("button", name="Use this list").click()
    page.get_by_role("button", name="Train on this list").click()


def tick(page, *types):  # noqa: F811
    page.get_by_text("All types").click()
    for box in page.locator("#types [type=checkbox]").all():
        box.set_checked(box.get_attribute("value") in types)


def table(page):  # noqa: F811
    """Return the rows of the table beside the curve."""
    page.get_by_text("As a table").click()
    return [row.split("\t") for row in page.locator("#curve tbody").inner_text().split("\n")]


def asked(server, path, body):  # noqa: F811
    request = urllib.request.Request(server.address + path, json.dumps(body).encode())
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]


def test_a_pasted_list_is_trained_on_stopped_and_goes_on(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    paste(page, names(300))
    assert "300" in page.locator("#found .tiles").text_content()
    tick(page, "mlp")
    page.get_by_label("Seconds").fill("600")
    page.get_by_label("Size of networks").select_option("small")
    page.get_by_role("button", name="Start").click()
    page.locator("svg.curve circle").wait_for()
    page.locator(".babble .mark").first.wait_for()
    assert no_sideways_scroll(page)
    page.reload()  # in the middle: what happened so far is there again
    page.locator(".babble").first.wait_for()
    assert page.locator(".babble small").filter(has_text="before the first step").count() == 1
    curve = page.locator("svg.curve path:last-of-type").last
    before = curve.get_attribute("d")
    page.wait_for_function(
        "(d) => [...document.querySelectorAll('#curve svg path')].at(-1).getAttribute('d') !== d", arg=before
    )
    page.get_by_role("button", name="Stop").click()
    page.locator("#racers").get_by_text("stopped and saved").wait_for()
    run = makemore.load(server.directory / "pasted-mlp")
    earlier = run.metrics()
    points = [
        ["pasted-mlp", f"{p.step:,}", f"{p.seconds:.1f}", f"{p.train:.3f}", f"{p.validation:.3f}"]
        for p in earlier
    ]
    assert table(page)[3:] == points
    assert run.config.n_embd == 12
    page.get_by_role("button", name="Go on", exact=True).click()  # for 600 seconds more
    page.locator("#racers").get_by_text("training; step").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#racers").get_by_text("stopped and saved").wait_for()
    assert makemore.load(run.directory).metrics()[: len(points)] == earlier


def test_a_race_of_three_ends_in_three_runs_with_their_losses(page, server):  # noqa: F811
    second = page.context.new_page()  # a page that is open meanwhile follows
    second.goto(server.address + "#train")
    page.goto(server.address + "#list")
    paste(page, names(200))
    tick(page, "bigram_nn", "ngram", "bigram")
    page.get_by_label("Seconds").fill("2")
    page.get_by_role("button", name="Start").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('#race tbody tr')].filter((r) => /finished/.test(r.innerText)).length === 3"
    )
    second.locator("#racers").get_by_text("finished").nth(2).wait_for()
    second.close()
    for card in page.locator("#racers section").all():
        run = makemore.load(server.directory / card.locator("h3").inner_text().strip())
        summary = run.summary()
        assert f"Test loss: {summary.nll['test']:.3f}" in card.inner_text()
        assert summary.memorising.sentence in card.inner_text()
    assert ["pairs", "", "", "", f"{summary.baselines.bigram['validation']:.3f}"] in table(page)
    card = page.locator("#racers section", has_text="ngram")
    name = card.locator("h3").inner_text().strip()
    card.get_by_role("button", name="Make some").click()
    assert page.locator("#room-make select[data-runs]").first.input_value() == name


def test_an_earlier_run_is_shown(page, server):  # noqa: F811
    page.goto(server.address + "#train")
    page.get_by_label("Look at an earlier run").select_option("names-lstm")
    page.get_by_role("button", name="Show").click()
    card = page.locator("#racers section[aria-label=names-lstm]")
    card.get_by_text("finished earlier; step 20").wait_for()
    assert card.get_by_role("button", name="Go on").is_enabled()
    last = makemore.load(server.directory / "names-lstm").metrics()[-1]
    assert table(page)[-1][3:] == [f"{last.train:.3f}", f"{last.validation:.3f}"]


def test_what_cannot_be_trained_is_said_in_a_sentence(server):  # noqa: F811
    few = {"list": "names", "types": [], "time": 1}
    assert asked(server, "api/train", few) == (400, "choose from 1 to 6 different types")
    assert asked(server, "api/resume", {"runs": ["none"], "more": 1}) == (400, "none: no such run")
    asked(server, "api/train", {"list": "names", "types": ["lstm"], "time": -1})
    with urllib.request.urlopen(server.address + "api/events") as events:
        told = (json.loads(line[5:]) for line in events if line.startswith(b"data: {"))
        failed = next(each for each in told if each.get("kind") == "failed")
    assert failed["error"] == "“seconds” must be more than 0 seconds, and finite, not -1"


def test_a_table_shows_its_columns_and_its_first_row_can_be_called_a_header(page, server):  # noqa: F811
    page.goto(server.address + "#list")
    rows = "\n".join(f"{name},{'girl' if i % 2 else 'boy'}" for i, name in enumerate(names(200)))
    page.get_by_label("Paste your list").fill(f"Vorname,Art\n{rows}")
    page.get_by_role("button", name="Use this list").click()
    page.get_by_label("Make more of").select_option("1")
    page.locator("#found .tiles").get_by_text("201", exact=True).wait_for()
    page.get_by_label("the first row names the columns").check()
    page.locator("#found .tiles").get_by_text("200", exact=True).wait_for()
    assert page.get_by_label("Make more of").input_value() == "Vorname"
    page.get_by_label("Labels").select_option("Art")
    page.locator("#found").get_by_text("Labels: ").wait_for()
    with urllib.request.urlopen(server.address + "api/state") as answer:
        state = json.load(answer)
    assert next(e["how"] for e in state["lists"] if e["name"] == state["chosen"]) == {
        "column": "Vorname",
        "label": "Art",
        "header": True,
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
