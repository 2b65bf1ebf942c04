"""The page that an export writes: what it holds, and what it does in a real, headless Chromium."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import held
import numpy as np
import pytest
import regex
from browser import axe, barriers, browser, no_sideways_scroll  # noqa: F401

import makemore as library
from makemore.exports import membership
from makemore.exports.membership import WORST, filter_of
from makemore.exports.packing import in_lists
from makemore.inference import FORMS
from makemore.inference.lines import score
from makemore.models import MODELS
from makemore.runs.forms import form_of

NASTY = ["</script><script>alert(1)</script>", "<!--<b>&amp;", "né  à l'été", "中文 字", "שלום", "🙂 ok"]
SMALL = {"n_layer": 2, "n_embd": 16, "n_embd2": 24, "n_head": 2, "context": 5, "order": 4, "depth": 3}


def trained(directory: Path, lines: list[str], type: str = "ngram", **options: Any) -> library.Run:
    """A small run whose learned weights are random, so that what they give is not smooth."""
    knobs = {knob.name for knob in library.models.knobs(type)}
    given = {name: value for name, value in SMALL.items() if name in knobs}
    given |= {} if MODELS[type].counting else {"max_steps": 1}
    run = library.train(lines=lines, type=type, work_dir=directory, progress=False, **given, **options)
    randomise(run)
    return run


def randomise(run: library.Run) -> None:
    random = np.random.default_rng(1)
    weights = {
        name: random.normal(1 if "norm" in name else 0, 0.3, value.shape).astype(np.float32) ** 2 ** ("var" in name)
        if value.dtype == np.float32
        else value
        for name, value in run.form.weights.items()
    }  # fmt: skip
    run.__dict__["form"] = form_of(run.setup, weights)


def names(path: Path) -> list[str]:
    return path.read_text("utf-8").split()


def test_the_page_loads_nothing(small: Path, tmp_path: Path, makemore: Any) -> None:
    trained(tmp_path / "run", names(small))
    there = tmp_path / "page.html"
    export = ("export", tmp_path / "run", "--to", "page", "-o", there)
    assert makemore(*export).status == 0
    text, *_ = held.page(there)
    assert not re.search(r"https?:|//[a-z]|\bimport\b|\bfetch\b|innerHTML|\beval\b", text)
    assert there.stat().st_size < 90_000
    assert makemore(*export).status == 2
    assert makemore(*export, "--overwrite").status == 0
    unnamed = makemore(*export[:-1], tmp_path / "page")
    assert (unnamed.status, "ends in .html" in unnamed.err) == (2, True)


def test_what_has_no_form_without_torch_has_no_page(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = library.load(small_run)
    assert (
        "the model may know some by heart" in held.page(library.export(run, "page", tmp_path / "a.html"))[0]
    )
    monkeypatch.delitem(FORMS, run.type)
    with pytest.raises(
        library.MakemoreError, match=r"no form without torch.* with to=weights or onnx or script$"
    ):
        library.export(run, "page", tmp_path / "b.html")


def test_lines_that_look_like_html_stay_text(tmp_path: Path) -> None:
    lines = [f"{line}{i}" for line in NASTY for i in range(20)]
    run = trained(tmp_path / "run", lines, labels=["<b>", "</script>"] * 60)
    text, about, _ = held.page(library.export(run, "page", tmp_path / "page.html"))
    assert text.count("<script") == text.count("</script>") == 3
    assert about["labels"] == ["</script>", "<b>"]
    assert about["makemore.vocabulary"]["names"] == run.vocab.names


def test_the_filter_knows_every_line_and_mistakes_few(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = library.read(small)
    found = filter_of(corpus)
    assert found is not None
    assert 0.002 < found.error < 0.02
    assert len(found.content) * 8 < 11 * len(corpus)
    there = np.unpackbits(np.frombuffer(found.content, np.uint8), bitorder="little")

    def known(lines: list[str]) -> np.ndarray:
        other = library.Corpus.from_lines([*lines, *"abc"])  # whose ids are other ones
        tokens = corpus.vocab.stream(lines)
        other.tokens, other.sizes = tokens, corpus.sizes
        hashes = membership._hashed(other, slice(0, len(lines)))
        bits = [
            (int(h) >> 32) + i * (int(h) % 2**32 | 1) & 0xFFFFFFFF
            for h in hashes
            for i in range(found.hashes)
        ]
        return there[np.array(bits) % found.bits].reshape(-1, found.hashes).all(1)

    assert known(names(small)).all()
    random = np.random.default_rng(0)
    new = ["".join(random.choice(list("abcdefghij"), 9)) for _ in range(3000)]
    assert 0.3 * found.error < known(new).mean() < 3 * found.error
    monkeypatch.setattr(membership, "LARGEST", 250)  # too few for one error in a hundred
    worse = filter_of(corpus)
    assert worse is not None
    assert len(worse.content) == 250
    assert 0.01 < worse.error < WORST
    monkeypatch.setattr(membership, "LARGEST", 100)
    assert filter_of(corpus) is None


def test_too_many_lines_are_exported_without_a_filter(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "LARGEST", 100)  # for 167 different lines
    run = trained(tmp_path / "run", names(small))
    text, about, _ = held.page(library.export(run, "page", tmp_path / "page.html"))
    assert "filter" not in about
    assert "The list is too long for this page to tell which lines are new." in text
    assert f"was trained on {len(run.corpus.rows('train'))} lines" in text
    assert "the model counts strings" in text
    monkeypatch.setattr(membership, "LARGEST", 1000)
    assert filter_of(library.Corpus.from_lines(names(small)[:100] * 100)) is not None


def test_the_strings_of_a_tree_follow_from_two_lists(small: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", names(small), labels=["x", "y", "y"] * 100)
    V = len(run.vocab)
    for tree in ("", "shape.", "own."):
        size = 1 + int(run.form.weights["kinds"].max()) if tree == "shape." else V
        weights = in_lists(run.form.weights, V)
        sizes = weights[f"{tree}sizes"]
        contexts = len(weights[f"{tree}children"]) - sizes[:-1].sum()
        keys, at = [], 0
        for n in [contexts, *sizes[:-1]]:
            keys.append(np.repeat(np.arange(n), weights[f"{tree}children"][at : at + n]))
            at += n
        made = np.concatenate(keys) * size + weights[f"{tree}last"]
        assert np.array_equal(made, run.form.weights[f"{tree}keys"])


# in Chromium


@contextmanager
def opened(browser: Any, path: Path) -> Iterator[Any]:  # noqa: F811
    """The page in a browser without a network; fails if it prints anything or asks for anything."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text[:300]))
    page.on("pageerror", lambda error: wrong.append(str(error)[:300]))
    page.on("request", lambda asked: asked.url == path.as_uri() or wrong.append(asked.url[:100]))
    page.set_default_timeout(60_000)
    page.goto(path.as_uri())
    page.wait_for_function(
        "() => document.querySelector('.wrong') || document.querySelector('#made li, #made:not([aria-busy])')"
    )
    page.wait_for_function("() => !document.querySelector('#made[aria-busy]')")
    try:
        yield page
    finally:
        context.close()
    assert wrong == []


def made(page: Any) -> list[str]:
    """Ask for samples with the form as it is; their texts."""
    page.click("#make")
    page.wait_for_function("() => !document.querySelector('#made[aria-busy]')")
    assert page.inner_text("#said") == ""
    return page.eval_on_selector_all("#made .line", "all => all.map((each) => each.textContent)")


def made_in_part(page: Any, says: str) -> list[str]:
    """Ask for more samples than there are; those there are."""
    page.click("#make")
    page.wait_for_function("says => document.getElementById('said').textContent === says", arg=says)
    found: list[str] = page.eval_on_selector_all("#made .line", "all => all.map((each) => each.textContent)")
    return found


def check_parity(page: Any, run: library.Run, labels: tuple[str, ...] = ("",)) -> None:
    """Hold -log p of test lines in the page, whose rounding saw others, against those of the model in NumPy."""
    rows = run.corpus.rows("test")[:20]
    lines = run.corpus.lines(rows)
    ids = [run.vocab.stream([line]) for line in lines]
    for number in range(len(labels)):
        want = score(run.form, ids, [number] * len(ids))
        got = page.evaluate("([lines, n]) => lines.map((line) => makemore.letters(line, n))", [lines, number])
        for a, b in zip(got, want, strict=True):
            assert np.abs(np.array(a) - np.array(b)).max() < 1e-4
    assert math.isfinite(sum(map(sum, want)))


LABELLED = [
    pytest.param(name, True, marks=[] if MODELS[name].counting else pytest.mark.release) for name in MODELS
]


@pytest.mark.slow
@pytest.mark.parametrize(("type", "labelled"), [*((name, False) for name in MODELS), *LABELLED])
def test_every_type_gives_the_probabilities_of_python(browser, small, tmp_path, type, labelled):  # noqa: F811
    labels = {"labels": ["x", "y", ""] * 100} if labelled else {}
    run = trained(tmp_path / "run", names(small)[:300], type, **labels)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        check_parity(page, run, ("", *run.vocab.labels))
        assert page.locator("#made li").count() == 20


@pytest.mark.slow
def test_a_transformer_with_the_gelu_of_the_original(browser, small, tmp_path):  # noqa: F811
    run = trained(tmp_path / "run", names(small)[:300], "transformer", gelu_tanh=True)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        check_parity(page, run)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["mixture", "product"])
def test_a_blend_gives_the_probabilities_of_python(browser, small, tmp_path, how):  # noqa: F811
    some = [line for line in names(small) if set(line) <= set("abcdefghijklmnoprst")]
    parts = [trained(tmp_path / "a", names(small)), trained(tmp_path / "b", some, "gru")]
    run = library.blend(parts, work_dir=tmp_path / "blend", how=how)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        check_parity(page, run)


PATTERNS = [
    "a",
    "a|bc?",
    "(ab){2}",
    "(a|b)*c",
    "a{,2}b+",
    r"[^a-b]\w",
    r"\d{2,}?.",
    "(?:a?b?){1,3}",
    "[]a]+",
    "(a{0}b|c)*",
    "",
    "a{,}|{",
    "a^b|(^|b)a($|b)",
    "^$",
    r"[\W]|[^\W\d_]{2}",
    r"[\\w]|[\é\'\ a]+",
    r"\s|[\d-a]",
    ".",
]
REFUSED = ["a\\", "[a", "[]", "[b-a]", "{2}", "a**", r"\q"]
TEXTS = [
    "",
    "a",
    "b",
    "bc",
    "abab",
    "aabc",
    "ab",
    "c.",
    "zé",
    "123",
    "12-",
    "]a]",
    "cbc",
    "abababab",
    *"\\w\ufeff\u2028 _{-é",
]
REFUSAL = "(text) => { try { new makemore.Pattern(text); } catch (error) { return error.message; } }"
MATCHES = """([patterns, texts]) => patterns.map((text) => {
  const pattern = new makemore.Pattern(text);
  return texts.map((each) => Boolean(pattern.read(pattern.start, each)?.matches));
})"""


@pytest.mark.slow
def test_wishes_hold_and_samples_are_marked_explained_and_kept(browser, names_run, tmp_path):  # noqa: F811
    run = library.load(names_run)
    there = library.export(run, "page", tmp_path / "page.html")
    with opened(browser, there) as page:
        assert len(set(made(page))) == 20
        marks = dict(zip(made(page), page.locator("#made .mark").all_inner_texts(), strict=True))
        known = run.corpus.seen(list(marks))
        assert all(
            marks[line] == "in the list" for line, is_it in zip(marks, known, strict=True) if is_it != "new"
        )
        assert sum(marks[line] == "new" for line in marks) >= sum(is_it == "new" for is_it in known) - 2
        page.check("[name=novel]")
        page.fill("[name=prefix]", "sun")
        lines = made(page)
        assert all(line.startswith("sun") for line in lines)
        assert set(run.corpus.seen(lines)) == {"new"}
        page.click("#wishes [type=reset]")
        page.fill("[name=pattern]", r"[^aeiou]{2}\w{2,4}(an|o)?x")
        assert all(re.fullmatch(r"[^aeiou]{2}\w{2,4}(an|o)?x", line) for line in made(page))
        for name, value, says in (
            ("pattern", "(a", "a ( without its )"),
            ("pattern", "[a", "[ is not closed"),
            ("pattern", "ee|ex|aa", "There are only 3 such lines."),
            ("pattern", "q{3}9", "No line"),
            ("prefix", "ß", "does not know the character ß"),
        ):
            page.click("#wishes [type=reset]")
            page.fill(f"[name={name}]", value)
            page.click("#make")
            page.wait_for_function(
                "says => document.getElementById('said').textContent.includes(says)", arg=says
            )
        found = page.evaluate(MATCHES, [PATTERNS, TEXTS])
        assert found == [[bool(regex.fullmatch(pattern, text)) for text in TEXTS] for pattern in PATTERNS]
        for pattern in REFUSED:
            assert page.evaluate(REFUSAL, pattern).startswith("The pattern")
        page.click("#wishes [type=reset]")
        first = made(page)[0]
        page.click("#made .keep")
        page.click("#made .line")
        page.wait_for_selector(".why table")
        letters = page.locator(".explained [role=option]").all_inner_texts()
        assert "".join(letters) == first + "⏎"
        page.focus(".explained [aria-selected=true]")
        page.keyboard.press("Home")
        assert page.inner_text(".why p").startswith(f"It begins with {first[0]}: ")
        with page.expect_download() as download:
            page.click("#kept-download")
        assert download.value.path().read_text("utf-8") == first + "\n"
        page.reload()
        assert page.inner_text("#kept-lines .line") == first
        assert no_sideways_scroll(page)


@pytest.mark.slow
def test_nothing_keeps_people_out(browser, axe, tmp_path):  # noqa: F811
    """On a phone, with a sample explained, one kept, and something wrong; in light and in dark."""
    lines = [a + b + c for a in "ab" for b in "cde" for c in "fgh"]
    run = trained(tmp_path / "run", lines, "bigram", labels=["x", "y", ""] * 6)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        assert no_sideways_scroll(page)
        page.evaluate(axe)
        page.fill("[name=n]", "3")
        made(page)
        page.click("#made .keep")
        page.click("#made .line")
        page.click("summary")
        page.wait_for_selector(".why table")
        assert no_sideways_scroll(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert barriers(page) == [], scheme
        page.fill("[name=pattern]", "(a")
        made_in_part(page, "The pattern has a ( without its ).")
        assert page.is_hidden("#help")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert barriers(page) == [], scheme


@pytest.mark.slow
def test_the_page_samples_as_python_does(browser, tmp_path):  # noqa: F811
    """Lines come as often as they should, among those that match a pattern, whatever was sampled before."""
    lines = ["aa", "ab", "ab", "abb", "ba", "bab", "bb", "b"] * 9
    run = trained(tmp_path / "run", lines)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        counts = page.evaluate(SAMPLE, ["a.*|b", 6000])
        every = [a + b + c for a in "ab" for b in ("", "a", "b") for c in ("", "a", "b") if b or not c]
        p = {line: math.exp(-run.score([line])[0]) for line in every if re.fullmatch("a.*|b", line)}
        for line, value in p.items():
            want = value / sum(p.values())
            assert abs(counts.get(line, 0) / 6000 - want) < 5 * math.sqrt(want / 6000)
        assert sum(counts.values()) == 6000


SAMPLE = """([pattern, n]) => {
  const { model, vocabulary, about, Sampler, Pattern } = makemore;
  const sampler = new Sampler(vocabulary, model, about.longest, { labels: [[0, 1]], prefix: [], temperature: 1,
    pattern: new Pattern(pattern), wanted: () => true });
  const counts = {};
  for (let i = 0; i < n; ) {
    const tried = sampler.attempt();
    let step = tried.next();
    while (!step.done) step = tried.next();
    if (!step.value) continue;
    const text = vocabulary.text(step.value.ids);
    counts[text] = (counts[text] ?? 0) + 1;
    i++;
  }
  return counts;
}"""


@pytest.mark.slow
def test_things_of_several_lines_graphemes_and_right_to_left(browser, tmp_path):  # noqa: F811
    lines = [f"שלום {a}\n👩‍👩‍👧 é̄{b}" for a in "אבגדהו" for b in "12345678"]
    run = trained(tmp_path / "run", lines, separator="blank", graphemes=True)
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        check_parity(page, run)
        texts = made(page)
        assert any("\n" in text for text in texts)
        assert not any("" in text.split("\n") for text in texts)
        assert page.eval_on_selector("#made .line", "each => getComputedStyle(each).direction") == "rtl"
        *known, strange = page.evaluate(WITHOUT_SEGMENTER, [*lines, "👧"])
        assert {*known} == {True}
        assert strange == "The model does not know the character 👧."


WITHOUT_SEGMENTER = """(texts) => {
  const { about, vocabulary } = makemore;
  delete Intl.Segmenter;
  const other = new vocabulary.constructor(about["makemore.vocabulary"]);
  return texts.map((text) => {
    try {
      return other.stays(other.read(text)) && `${other.read(text)}` === `${vocabulary.read(text)}`;
    } catch (error) {
      return error.message;
    }
  });
}"""


@pytest.mark.slow
def test_letters_that_become_a_line_of_the_list_are_not_new(browser, tmp_path):  # noqa: F811
    lines = ["e", "\u00e9", "x\u0301", "xe", "ex", "ee"] * 9
    run = trained(tmp_path / "run", lines, "bigram")
    with opened(browser, library.export(run, "page", tmp_path / "page.html")) as page:
        page.fill("[name=pattern]", "e\u0301")
        assert made_in_part(page, "There is only one such line.") == ["e\u0301"]
        assert page.inner_text("#made .mark") == "in the list"
        page.check("[name=novel]")
        assert made_in_part(page, "No line satisfies these wishes.") == []


@pytest.mark.slow
@pytest.mark.release
def test_long_lines_do_not_hang_the_page(browser, tmp_path):  # noqa: F811
    lines = ["".join("abcdefgh"[(i * k + k // 7) % 8] for i in range(1000)) for k in range(1, 41)]
    run = trained(tmp_path / "run", lines, "gru")
    path = library.export(run, "page", tmp_path / "page.html")
    with opened(browser, path) as page:
        page.evaluate(LONGEST_TASK)
        page.fill("[name=n]", "3")
        page.click("#make")
        page.wait_for_function(
            "() => document.querySelectorAll('#made li').length >= 1 || document.querySelector('.wrong')"
        )
        assert page.evaluate("() => longest") < 1000


LONGEST_TASK = """() => {
  window.longest = 0;
  let last = performance.now();
  (function tick() {
    window.longest = Math.max(window.longest, performance.now() - last);
    last = performance.now();
    setTimeout(tick);
  })();
}"""
