"""Short-lived signed tokens for calls between services: Ed25519, one key per caller.

A verifier holds public keys only, so a leaked service cannot mint another's tokens.
Source: RFC 8725 (JSON Web Token Best Current Practices).
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from chassis.errors import Unauthorized

LIFETIME_SECONDS: Final = 60
LEEWAY_SECONDS: Final = 30
"""Clocks of two hosts may differ by this much."""
_ALGORITHM: Final = "Ed25519"  # RFC 9864: the algorithm names its curve; plain `EdDSA` is deprecated
_TYPE: Final = "service+jwt"
"""Tells these tokens apart from any other that the same key could come to sign (RFC 8725, 3.11)."""
_SEGMENT_BEHIND_CUSTOMER: Final = 4


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, on behalf of which customer, and for what."""

    service: str
    customer_id: UUID
    purpose: str


def purpose_of(path: str) -> str:
    """What a call to `/internal/connections/{customer_id}/<purpose>` is for; `status` without one."""
    return "/".join(path.split("/")[_SEGMENT_BEHIND_CUSTOMER:]) or "status"


def new_key_pair() -> tuple[str, str]:
    """A fresh private seed and its public key, both base64url: for settings and local stacks."""
    private = Ed25519PrivateKey.generate()
    return _encode(private.private_bytes_raw()), _encode(private.public_key().public_bytes_raw())


class TokenSigner:
    """Signs the calls of one service."""

    def __init__(self, *, service: str, private_key: str) -> None:
        seed = _decode(private_key)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        self._service = service
        self._key = OKPKey.import_key(
            {"kty": "OKP", "crv": "Ed25519", "d": _encode(seed), "x": _encode(public)}
        )

    def token(self, *, audience: str, customer_id: UUID, purpose: str) -> str:
        """A token that `audience` accepts for the next minute, for this customer and this purpose only."""
        now = int(time.time())
        claims = {
            "iss": self._service,
            "aud": audience,
            "sub": str(customer_id),
            "purpose": purpose,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid4()),
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, self._key, algorithms=[_ALGORITHM])


class TokenVerifier:
    """Checks tokens that other services sign for `audience`."""

    def __init__(self, *, audience: str, public_keys: Mapping[str, str]) -> None:
        self._audience = audience
        self._keys = {
            caller: OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": key})
            for caller, key in public_keys.items()
        }

    def verify_header(self, authorization: str) -> Caller:
        """Check the token of an `Authorization` header.

        Raises:
            Unauthorized: there is none, or as `verify`.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Missing service token")
        return self.verify(token)

    def verify(self, token: str) -> Caller:
        """Check signature, type, audience and time. A `kid` is not looked at: the keys are tried in turn.

        Raises:
            Unauthorized: anything at all is wrong with the token; which part is not told.
        """
        for caller, key in self._keys.items():
            try:
                decoded = jwt.decode(token, key, algorithms=[_ALGORITHM])
                _CLAIMS.validate(decoded.claims)
                claims = decoded.claims
                if decoded.header.get("typ") != _TYPE or claims["exp"] - claims["iat"] > LIFETIME_SECONDS:
                    continue
                if claims["iss"] == caller and claims["aud"] == self._audience:
                    return Caller(
                        service=caller, customer_id=UUID(claims["sub"]), purpose=_text(claims["purpose"])
                    )
            except (JoseError, ValueError):
                continue
        raise Unauthorized("Invalid service token")


_CLAIMS: Final = jwt.JWTClaimsRegistry(
    leeway=LEEWAY_SECONDS,
    iss={"essential": True},
    aud={"essential": True},
    sub={"essential": True},
    purpose={"essential": True},
    exp={"essential": True},
    iat={"essential": True},
)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - one kind of error for all that is wrong with a token
    return value


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
