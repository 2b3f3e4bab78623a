"""Passwords that so many people use that they are tried first."""

from functools import cache
from typing import Final

from chassis.errors import ValidationFailed

SHORTEST: Final = 8
"""Shorter ones are refused for their length."""


@cache
def _common() -> frozenset[str]:
    """Some 11,000, of the 30,000 that zxcvbn counted in published leaks."""
    # Read when they are first asked for: they take 13 MB.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)


class CommonPassword(ValidationFailed):
    """The new password is a common one, whatever its capitals."""

    def __init__(self) -> None:
        super().__init__(
            "This password is one of the most common ones", hint="Choose another, for example four words."
        )


def refuse_common(password: str) -> None:
    """Let only other passwords pass.

    Raises:
        CommonPassword: it is one of them.
    """
    if password.lower() in _common():
        raise CommonPassword
