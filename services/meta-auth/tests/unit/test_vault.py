"""A sealed token opens for its own row, with its own key, unchanged; in no other case."""

import base64
import os
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from meta_auth.vault import CannotOpenError, Place, SealedToken, Vault

TOKEN = SecretStr("EAAplanted-token-å")
PLACE = Place(customer_id=uuid4(), row_id=uuid4())


def new_key() -> SecretStr:
    return SecretStr(base64.urlsafe_b64encode(os.urandom(32)).decode())


@pytest.fixture
def vault() -> Vault:
    return Vault(keys={"k1": new_key()}, key_id="k1")


def test_what_was_sealed_opens_again(vault: Vault) -> None:
    assert vault.open(vault.seal(TOKEN, PLACE), PLACE) == TOKEN


def test_the_same_token_never_looks_the_same(vault: Vault) -> None:
    first, second = vault.seal(TOKEN, PLACE), vault.seal(TOKEN, PLACE)
    assert first.ciphertext != second.ciphertext
    assert first.wrapped_key != second.wrapped_key
    assert TOKEN.get_secret_value().encode() not in first.ciphertext


@pytest.mark.parametrize("part", ["ciphertext", "wrapped_key"])
def test_any_flipped_bit_keeps_it_closed(vault: Vault, part: str) -> None:
    sealed = vault.seal(TOKEN, PLACE)
    good: bytes = getattr(sealed, part)
    for index in range(len(good)):
        bad = good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]
        with pytest.raises(CannotOpenError):
            vault.open(replace(sealed, **{part: bad}), PLACE)


@pytest.mark.parametrize("cut", [0, 5, 12, 20])
def test_a_cut_token_keeps_closed(vault: Vault, cut: int) -> None:
    sealed = vault.seal(TOKEN, PLACE)
    with pytest.raises(CannotOpenError):
        vault.open(replace(sealed, ciphertext=sealed.ciphertext[:cut]), PLACE)


@pytest.mark.parametrize("elsewhere", [replace(PLACE, customer_id=uuid4()), replace(PLACE, row_id=uuid4())])
def test_the_bytes_of_one_row_do_not_open_in_another(vault: Vault, elsewhere: Place) -> None:
    with pytest.raises(CannotOpenError):
        vault.open(vault.seal(TOKEN, PLACE), elsewhere)


def test_the_parts_of_two_sealings_do_not_fit_each_other(vault: Vault) -> None:
    first, second = vault.seal(TOKEN, PLACE), vault.seal(TOKEN, PLACE)
    mixed = SealedToken(key_id="k1", wrapped_key=first.wrapped_key, ciphertext=second.ciphertext)
    with pytest.raises(CannotOpenError):
        vault.open(mixed, PLACE)


def test_an_old_key_goes_on_opening_and_a_new_one_seals() -> None:
    old, new = new_key(), new_key()
    sealed = Vault(keys={"old": old}, key_id="old").seal(TOKEN, PLACE)
    rotated = Vault(keys={"old": old, "new": new}, key_id="new")
    assert rotated.open(sealed, PLACE) == TOKEN
    assert rotated.seal(TOKEN, PLACE).key_id == "new"
    with pytest.raises(CannotOpenError):
        Vault(keys={"new": new}, key_id="new").open(sealed, PLACE)


def test_a_key_under_another_name_does_not_open() -> None:
    key = new_key()
    sealed = Vault(keys={"a": key}, key_id="a").seal(TOKEN, PLACE)
    with pytest.raises(CannotOpenError):
        Vault(keys={"b": key}, key_id="b").open(replace(sealed, key_id="b"), PLACE)


@pytest.mark.parametrize("text", ["", "too-short-secret", "not base64 at all, really not!!"])
def test_a_bad_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="must be 32 bytes") as caught:
        Vault(keys={"k1": SecretStr(text)}, key_id="k1")
    assert not text or text not in str(caught.value)


def test_the_current_key_must_be_there() -> None:
    with pytest.raises(ValueError, match="TOKEN_KEY_ID must name one of TOKEN_KEYS"):
        Vault(keys={}, key_id="")


def test_rewrapping_changes_the_key_and_nothing_else() -> None:
    old, new = new_key(), new_key()
    sealed = Vault(keys={"old": old}, key_id="old").seal(TOKEN, PLACE)
    moved = Vault(keys={"old": old, "new": new}, key_id="new").rewrap(sealed, PLACE)
    assert (moved.key_id, moved.ciphertext) == ("new", sealed.ciphertext)
    assert Vault(keys={"new": new}, key_id="new").open(moved, PLACE) == TOKEN
    with pytest.raises(CannotOpenError):
        Vault(keys={"old": old}, key_id="old").open(moved, PLACE)


def test_bytes_of_another_row_are_not_rewrapped_into_this_one(vault: Vault) -> None:
    sealed = vault.seal(TOKEN, replace(PLACE, row_id=uuid4()))
    with pytest.raises(CannotOpenError):
        vault.rewrap(sealed, PLACE)
