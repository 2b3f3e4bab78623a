"""`docs/security.md` names controls and proofs that exist."""

import re

from crash_lab.points import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
SHORT = {
    "gateway/": "services/gateway/src/gateway/",
    "meta_auth/": "services/meta-auth/src/meta_auth/",
    "ads_publisher/": "services/ads-publisher/src/ads_publisher/",
    "chassis/": "libs/chassis/src/chassis/",
}
ROWS = {
    number: cells
    for line in PAGE.splitlines()
    if (cells := [cell.strip() for cell in line.strip("|").split(" | ")])
    and (number := cells[0].strip()).startswith("S")
}
TEST = re.compile(r"`([\w./-]+\.py)::(test_\w+)`")
FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.\w+)`")


def test_every_item_of_the_list_has_a_row() -> None:
    assert list(ROWS) == [f"S{number}" for number in range(1, 27)]
    assert all(len(cells) == 4 for cells in ROWS.values())


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(PAGE)
    assert len(named) >= 60
    for path, name in named:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), (path, name)


def test_every_row_has_a_proof_or_says_that_it_is_not_done() -> None:
    for number, (_, _, control, proof) in ROWS.items():
        assert TEST.search(proof), number
        assert FILE.search(control), number


def test_every_control_that_is_named_exists() -> None:
    for number, (_, _, control, _) in ROWS.items():
        for place in FILE.findall(control):
            folder = next((SHORT[short] for short in SHORT if place.startswith(short)), "")
            short = next((short for short in SHORT if place.startswith(short)), "")
            assert (ROOT / f"{folder}{place.removeprefix(short)}").exists(), (number, place)
