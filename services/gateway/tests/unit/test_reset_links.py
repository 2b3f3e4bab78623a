"""Links that reset a password: only those that this gateway made, and only in time."""

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.reset_links import LINK_SECONDS, MAX_TOKEN, ResetLinks

NOW = 1_800_000_000.0
LINKS = ResetLinks(app_url="https://ads.example.com/console", private_key="a" * 43)


def test_a_link_is_ours_until_thirty_minutes_are_over() -> None:
    token = LINKS.new_token(now=NOW)
    assert LINKS.is_ours(token, now=NOW)
    assert LINKS.is_ours(token, now=NOW + LINK_SECONDS - 1)
    assert not LINKS.is_ours(token, now=NOW + LINK_SECONDS)


def test_the_end_of_a_link_cannot_be_put_off_or_moved() -> None:
    secret, end, mark = LINKS.new_token(now=NOW).split(".")
    for moved in (1, 60, LINK_SECONDS, 10 * 365 * 86_400, -1):
        assert not LINKS.is_ours(f"{secret}.{int(end) + moved}.{mark}", now=NOW), moved


def test_a_link_of_another_key_is_not_ours() -> None:
    other = ResetLinks(app_url="https://ads.example.com", private_key="b" * 43)
    assert not LINKS.is_ours(other.new_token(now=NOW), now=NOW)


def test_no_two_tokens_are_alike_and_each_fits_the_body() -> None:
    tokens = {LINKS.new_token(now=NOW) for _ in range(1000)}
    assert len(tokens) == 1000
    assert max(map(len, tokens)) <= MAX_TOKEN


def test_the_token_stands_behind_the_hash_sign_only() -> None:
    token = LINKS.new_token(now=NOW)
    assert LINKS.address(token) == f"https://ads.example.com/console/reset-password#token={token}"


def test_none_of_20_000_changed_tokens_is_ours() -> None:
    chance = random.Random(7)  # noqa: S311 - the same changes each time
    token = LINKS.new_token(now=NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    accepted = 0
    for _ in range(20_000):
        changed = list(token)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.choice(alphabet)
        text = "".join(changed)
        if chance.random() < 0.2:
            text = text[: chance.randrange(len(text))]
        accepted += text != token and LINKS.is_ours(text, now=NOW)
    assert accepted == 0


@given(st.text(max_size=MAX_TOKEN))
def test_no_text_breaks_the_check(text: str) -> None:
    assert not LINKS.is_ours(text, now=NOW)
