"""The page of the playground as a whole."""

import pytest
from browser import browser, no_sideways_scroll, page, server  # noqa: F401

pytestmark = pytest.mark.slow


def test_the_rooms_are_there_and_fit_a_phone(page, server):  # noqa: F811
    page.goto(server.address)
    for name in page.locator("nav a").all_inner_texts():
        page.get_by_role("link", name=name, exact=True).click()
        assert page.locator("h2:visible").inner_text() == name
        assert no_sideways_scroll(page)
        page.set_viewport_size({"width": 1200, "height": 900})
