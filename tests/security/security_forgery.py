"""Wrong versions of right secrets: damaged, glued together, dressed up, and forged by whoever has no key."""

import base64
import hashlib
import hmac
import json
import random
import string
import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED = 20_261_125
ALPHABET = string.ascii_letters + string.digits + "-_"
ODD = "\x00\x7f\u00e9\u0430\u200b\u2028\ud7ff\U0001f4a5=+/. %;,\"'\\\r\n\t"
Damage = Callable[[str, random.Random], str]


def _flip(text: str, rng: random.Random) -> str:
    at, raw = rng.randrange(len(text)), bytearray(text.encode())
    raw[at] ^= 1 << rng.randrange(7)
    return raw.decode("latin-1")


def _replace(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(ALPHABET) + text[at + 1 :]


def _insert(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(ODD + ALPHABET) + text[at:]


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text))]


def _drop(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randrange(1, 4) :]


def _swap(text: str, rng: random.Random) -> str:
    one, two = sorted(rng.sample(range(len(text)), 2))
    return text[:one] + text[two] + text[one + 1 : two] + text[one] + text[two + 1 :]


def _glue(text: str, rng: random.Random) -> str:
    return rng.choice(
        ["{0}{0}", "{0}.{0}", "{0},{0}", "{0} {0}", "{0};{0}", "{0}\n{0}", "{0}\x00{0}"]
    ).format(text)


def _random(text: str, rng: random.Random) -> str:
    return "".join(rng.choices(ALPHABET, k=len(text) + rng.randrange(-2, 3)))


def _recode(text: str, rng: random.Random) -> str:
    forms: list[Callable[[str], str]] = [
        str.upper,
        str.lower,
        str.swapcase,
        lambda value: value[::-1],
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: value.encode().hex(),
        lambda value: hashlib.sha256(value.encode()).hexdigest(),
        lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
        lambda value: unicodedata.normalize("NFKD", value.replace("a", "\u00aa").replace("o", "\u00ba")),
        lambda value: value.translate({ord(c): ord(c) + 0xFEE0 for c in ALPHABET}),
        lambda value: f"{value}=",
        lambda value: f"'{value}'",
        lambda value: value * 200,
        lambda _: "",
        lambda value: f" {value} ",
    ]
    return rng.choice(forms)(text)


DAMAGES: tuple[Damage, ...] = (_flip, _replace, _insert, _cut, _drop, _swap, _glue, _random, _recode)


def dice() -> random.Random:
    """The same each time."""
    return random.Random(SEED)  # noqa: S311 - not a secret


def damaged(originals: list[str], count: int, rng: random.Random) -> Iterator[str]:
    """Texts that are none of the originals, each once or more often damaged."""
    made = 0
    while made < count:
        text = rng.choice(originals)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            text = rng.choice(DAMAGES)(text if len(text) > 1 else rng.choice(originals), rng)
        if text not in originals:
            made += 1
            yield text


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded_parts(token: str) -> list[bytes]:
    """The bytes that the dotted parts stand for, by a lenient reader."""
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]


class Forger:
    """Makes service tokens without the key that counts: it knows the public key and a key of its own."""

    def __init__(
        self, *, public_key: str, claims: dict[str, Any], other_key: str, rng: random.Random
    ) -> None:
        self._public = public_key
        self._claims = claims
        self._other = Ed25519PrivateKey.from_private_bytes(_raw(other_key))
        self._own = Ed25519PrivateKey.generate()
        self._rng = rng

    def forged(self) -> str:
        claims = {**self._claims, **self._rng.choice(self._wishes())}
        header = dict(self._rng.choice(self._headers()))
        body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{body}.{b64(self._rng.choice(self._signatures())(body.encode()))}"

    def _wishes(self) -> list[dict[str, Any]]:
        now = self._claims["iat"]
        return [
            {},
            {"iss": "gateway"},
            {"iss": "ads-publisher"},
            {"aud": ["meta-auth", "other"]},
            {"aud": "*"},
            {"exp": now + 10**9},
            {"exp": None},
            {"sub": "*"},
            {"iss": ["gateway"]},
            {"admin": True},
        ]

    def _headers(self) -> list[dict[str, Any]]:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self._own.public_key().public_bytes_raw())}
        algorithms = (
            "none",
            "None",
            "NONE",
            "",
            "HS256",
            "HS512",
            "EdDSA",
            "Ed25519",
            "RS256",
            "ES256",
            None,
            7,
        )
        plain = [{"alg": name, "typ": kind} for name in algorithms for kind in ("JWT", "service+jwt")]
        keys = ("../../../dev/null", "gateway", "ads-publisher", "", "'; --", "http://localhost/key", "\x00")
        return [
            *plain,
            *({"alg": "Ed25519", "kid": key} for key in keys),
            {"alg": "Ed25519", "jwk": jwk},
            {"alg": "Ed25519", "jku": "http://localhost:1/keys", "x5u": "http://localhost:1/cert"},
            {"alg": "Ed25519", "crit": ["exp"], "exp": 1},
            {"alg": "Ed25519", "b64": False, "crit": ["b64"]},
            {"alg": "HS256", "jwk": {"kty": "oct", "k": self._public}},
        ]

    def _signatures(self) -> list[Callable[[bytes], bytes]]:
        secrets = (self._public.encode(), _raw(self._public), b"", b"secret")
        return [
            lambda _: b"",
            lambda _: bytes(64),
            lambda _: self._rng.randbytes(64),
            self._own.sign,
            *((lambda body, key=key: hmac.new(key, body, hashlib.sha256).digest()) for key in secrets),
            *((lambda body, key=key: hmac.new(key, body, hashlib.sha512).digest()) for key in secrets),
        ]

    def by_another_service(self, **claims: Any) -> str:
        """Signed by a key that is known and good, for claims which that key may not make."""
        header = json.dumps({"alg": "Ed25519", "typ": "service+jwt"}).encode()
        body = f"{b64(header)}.{b64(json.dumps({**self._claims, **claims}).encode())}"
        return f"{body}.{b64(self._other.sign(body.encode()))}"


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed_request(payload: object, *, key: str, digest: str = "sha256") -> str:
    """As Meta writes one."""
    body = b64(json.dumps(payload).encode())
    return f"{b64(hmac.new(key.encode(), body.encode(), digest).digest())}.{body}"


def genuine_payload(**changed: object) -> dict[str, object]:
    return {"algorithm": "HMAC-SHA256", "user_id": "1234567890", "issued_at": int(time.time()), **changed}


def same_signed_bytes(one: str, other: str) -> bool:
    """Whether two texts are spellings of the same signature over the same text: not a forgery."""
    try:
        return one.split(".")[1:] == other.split(".")[1:] and decoded_parts(one)[0] == decoded_parts(other)[0]
    except ValueError:
        return False
