"""Secrets that were planted, the shapes in which they could turn up again, and the search for them."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

JWT = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")
"""A token between services: none is known beforehand, so the shape is looked for."""
PROOF = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
"""What may be an `appsecret_proof`."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    """One secret. `homes` are the places, by the beginning of their names, where it was put on purpose."""

    name: str
    value: str
    homes: tuple[str, ...] = ()

    def forms(self) -> Iterator[str]:
        """The value as it is and as an encoder would write it."""
        raw = self.value.encode()
        yield from (self.value, repr(self.value)[1:-1], raw.decode("latin-1"))
        yield from (raw.hex(), raw.hex().upper())
        for ascii_only in (True, False):
            once = json.dumps(self.value, ensure_ascii=ascii_only)[1:-1]
            yield from (once, json.dumps(once, ensure_ascii=ascii_only)[1:-1])
        for quoted in (quote(self.value, safe=""), quote(self.value), quote_plus(self.value)):
            yield from (quoted, quoted.lower())
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield from _inside(raw, encode)

    def is_in(self, place: str, text: str) -> bool:
        return not place.startswith(self.homes or ("\0",)) and any(form in text for form in set(self.forms()))


def hits(canaries: Iterable[Canary], sinks: Mapping[str, str]) -> list[str]:
    """Every canary that sits where it must not, as `name in place`."""
    return [
        f"{canary.name} in {place}"
        for canary in canaries
        for place, text in sinks.items()
        if canary.is_in(place, text)
    ]


def _inside(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    # Base64 of a longer text holds ours in one of three alignments, with mixed characters at its ends.
    for shift in range(3):
        text = encode(b"\0" * shift + raw).decode()
        start = (shift * 8 + 5) // 6
        end = (shift + len(raw)) * 8 // 6
        yield text[start:end]
