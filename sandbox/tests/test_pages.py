"""The pages a person sees are usable: language, title, labels, contrast, and no script."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from graph_sandbox.pages import STYLE

ASK = {
    "client_id": "100000000000001",
    "redirect_uri": "http://localhost:3001/meta/oauth/callback",
    "state": "s",
    "scope": "ads_management,business_management",
}


class Page(HTMLParser):
    """What matters to a reader who does not see the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.unlabelled: list[dict[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        is_hidden = values.get("type") == "hidden"
        if tag in {"input", "select"} and not is_hidden and "label" not in self._open:
            self.unlabelled.append(values)
        if tag not in {"input", "meta", "br", "link"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [values for name, values in self.tags if name == tag]


def luminance(colour: str) -> float:
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("wrong", [{}, {"client_id": "7"}])
def test_the_dialog_and_its_error_have_language_title_heading_and_no_script(
    http: httpx.Client, wrong: dict[str, Any]
) -> None:
    page = Page(http.get("/v25.0/dialog/oauth", params=ASK | wrong).text)
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("title")) == len(page.named("h1")) == len(page.named("main")) == 1
    assert page.named("meta")[1]["content"] == "width=device-width,initial-scale=1"
    assert page.named("script") == []
    assert page.unlabelled == []


def test_the_dialog_has_three_ways_to_answer_and_one_of_them_is_cancel(http: httpx.Client) -> None:
    text = http.get("/v25.0/dialog/oauth", params=ASK).text
    answers = re.findall(r'<button[^>]*name="decision" value="(\w+)">([^<]+)</button>', text)
    assert [value for value, _ in answers] == ["approve", "partial", "decline"]
    assert answers[2][1] == "Cancel"
    assert Page(text).named("form")[0]["method"] == "post"


@pytest.mark.parametrize(
    ("text", "ground"),
    [("1c1e21", "f0f2f5"), ("1c1e21", "ffffff"), ("1c1e21", "e4e6eb"), ("55595f", "ffffff"),
     ("ffffff", "0a5fd6"), ("1c1e21", "fff3cd")],
)  # fmt: skip
def test_texts_stand_out_from_their_ground(text: str, ground: str) -> None:
    """4.5 to 1, as WCAG 2.1 AA asks; the colours are those of the style."""
    for colour in (text, ground):
        assert f"#{colour}" in STYLE or f"#{colour[:3]}" in STYLE
    assert contrast(text, ground) >= 4.5
