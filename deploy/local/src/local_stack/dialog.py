"""Consents on the OAuth dialog as a person in a browser does: read the page, press a button, be sent back."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx


class DialogError(RuntimeError):
    """The dialog page is not what a person could consent on."""


class _FormReader(HTMLParser):
    """Collects the address and the preset fields of the form that asks for the decision."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._inside = False
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._inside = attributes.get("action", ""), True
        elif tag == "input" and self._inside and _is_sent(attributes):
            self.fields.append((attributes["name"], attributes.get("value", "on")))
        elif tag == "select" and self._inside:
            self._select = attributes.get("name")
        elif tag == "option" and self._select and "selected" in attributes:
            self.fields.append((self._select, attributes.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None


async def consent(url: str, *, decision: str = "approve", persona: str | None = None) -> str:
    """Open the dialog, press the button of this decision, and return the address the browser is sent to.

    `persona` is who is at the keyboard; without it the dialog's own first choice.

    Raises:
        DialogError: the page has no form, or pressing the button does not lead back.
    """
    async with httpx.AsyncClient(trust_env=False, timeout=10) as browser:
        page = await browser.get(url)
        form = _FormReader()
        form.feed(page.text)
        if page.status_code != httpx.codes.OK or form.action is None:
            raise DialogError(f"The login dialog answered {page.status_code} without a form")
        fields: dict[str, list[str]] = {"decision": [decision]}
        for name, value in form.fields:
            fields.setdefault(name, []).append(value)
        if persona:
            fields["persona"] = [persona]
        answer = await browser.post(urljoin(str(page.url), form.action), data=fields)
    if not answer.is_redirect:
        raise DialogError(
            f"The login dialog answered {answer.status_code} to the decision instead of leading back"
        )
    return answer.headers["location"]


def _is_sent(attributes: dict[str, str]) -> bool:
    kind = attributes.get("type", "text")
    ticked = kind not in {"checkbox", "radio"} or "checked" in attributes
    return "name" in attributes and kind not in {"submit", "button"} and ticked
