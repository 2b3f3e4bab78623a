"""Seals Meta's tokens: AES-256-GCM with a fresh data key per token, wrapped by a key from the settings.

Additional data binds a sealed token to its table, customer and row, and the wrapped key to its key id
as well: bytes copied to another row do not open. Changing `TOKEN_KEY_ID` needs no token opened: an old
key goes on opening what it wrapped, until `rewrap` has wrapped it anew.
Source: NIST SP 800-38D (96-bit random nonces, one key per message here, so they cannot repeat under a key).
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TABLE: Final = "meta_connections"


class CannotOpenError(Exception):
    """The key is gone, or the bytes are not what was sealed for this row."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The row that a token belongs to."""

    customer_id: UUID
    row_id: UUID

    def binding(self, purpose: str) -> bytes:
        return "|".join((TABLE, str(self.customer_id), str(self.row_id), purpose)).encode()


@dataclass(frozen=True, kw_only=True)
class SealedToken:
    """What the database keeps. Each part is a nonce followed by its ciphertext."""

    key_id: str
    wrapped_key: bytes
    ciphertext: bytes


class Vault:
    """Seals and opens tokens with the configured keys."""

    def __init__(self, *, keys: Mapping[str, SecretStr], key_id: str) -> None:
        """Read the keys.

        Raises:
            ValueError: a key is not 32 bytes of base64url, or the current one is missing.
        """
        self._keys = {name: _read_key(name, key.get_secret_value()) for name, key in keys.items()}
        if key_id not in self._keys:
            raise ValueError("TOKEN_KEY_ID must name one of TOKEN_KEYS")
        self.key_id = key_id
        """The key for new tokens."""

    def seal(self, token: SecretStr, place: Place) -> SealedToken:
        """Encrypt a token for one row, under the current key."""
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        return SealedToken(
            key_id=self.key_id,
            wrapped_key=self._wrap(data_key, place),
            ciphertext=_encrypt(data_key, token.get_secret_value().encode(), place.binding("token")),
        )

    def open(self, sealed: SealedToken, place: Place) -> SecretStr:
        """Decrypt a token of one row.

        Raises:
            CannotOpenError: unknown key id, changed bytes, or the bytes of another row.
        """
        token = _decrypt(self._unwrap(sealed, place), sealed.ciphertext, place.binding("token"))
        return SecretStr(token.decode())

    def rewrap(self, sealed: SealedToken, place: Place) -> SealedToken:
        """The same token with its data key wrapped by the current key; the token is not opened.

        Raises:
            CannotOpenError: unknown key id, changed bytes, or the bytes of another row.
        """
        return SealedToken(
            key_id=self.key_id,
            wrapped_key=self._wrap(self._unwrap(sealed, place), place),
            ciphertext=sealed.ciphertext,
        )

    def _wrap(self, data_key: bytes, place: Place) -> bytes:
        return _encrypt(self._keys[self.key_id], data_key, place.binding(f"key:{self.key_id}"))

    def _unwrap(self, sealed: SealedToken, place: Place) -> bytes:
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise CannotOpenError(f"no key {sealed.key_id!r} in TOKEN_KEYS")
        return _decrypt(key, sealed.wrapped_key, place.binding(f"key:{sealed.key_id}"))


def _encrypt(key: bytes, plain: bytes, binding: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, binding)


def _decrypt(key: bytes, sealed: bytes, binding: bytes) -> bytes:
    if len(sealed) <= NONCE_BYTES:
        raise CannotOpenError("the sealed token is cut")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], binding)
    except InvalidTag as exc:
        raise CannotOpenError("the sealed token does not belong here or was changed") from exc


def _read_key(name: str, text: str) -> bytes:
    # The message must not repeat the text: it is the key, or most of it.
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"TOKEN_KEYS[{name!r}] must be {KEY_BYTES} bytes, base64url")
    return key
