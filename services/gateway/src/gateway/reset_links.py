"""Links that reset a password: a random token, its end, and a signature over both. No database, no clock."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

TOKEN_BYTES: Final = 32
LINK_SECONDS: Final = 1800
"""How long a link is valid."""
PAGE: Final = "/reset-password"
"""The page of the frontend that reads the token."""
MAX_TOKEN: Final = 200
_PURPOSE: Final = b"gateway: link that resets a password"


class ResetLinks:
    """Makes tokens and recognises them. The signature refuses invented ones without the database."""

    def __init__(self, *, app_url: str, private_key: str) -> None:
        self._app_url = app_url
        # A key of its own from the secret that the gateway has: a signature here is worth nothing elsewhere.
        self._key = hmac.digest(private_key.encode(), _PURPOSE, hashlib.sha256)

    def new_token(self, *, now: float) -> str:
        """A token that is valid for `LINK_SECONDS` from `now`, in seconds since 1970."""
        signed = f"{secrets.token_urlsafe(TOKEN_BYTES)}.{int(now) + LINK_SECONDS}"
        return f"{signed}.{self._signature(signed)}"

    def is_ours(self, token: str, *, now: float) -> bool:
        """Whether this gateway made the token and it is not too old. The database knows if it was used."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(
            signature.encode("utf-8", "surrogatepass"), self._signature(signed).encode()
        ):
            return False
        return int(signed.rpartition(".")[2]) > now

    def address(self, token: str) -> str:
        """Where the mail sends its reader. Browsers keep what follows # to themselves, so no log has it."""
        return f"{self._app_url}{PAGE}#token={token}"

    def _signature(self, signed: str) -> str:
        mac = hmac.digest(self._key, signed.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
