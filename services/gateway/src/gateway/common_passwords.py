"""Passwords that so many people use that they are tried first."""

from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from chassis.errors import ValidationFailed

SHORTEST: Final = 8
"""Shorter ones are refused for their length."""
COMMON: Final = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
"""Some 11,000, of the 30,000 that zxcvbn counted in published leaks."""


class CommonPassword(ValidationFailed):
    """The new password is one of `COMMON`, whatever its capitals."""

    def __init__(self) -> None:
        super().__init__(
            "This password is one of the most common ones", hint="Choose another, for example four words."
        )


def refuse_common(password: str) -> None:
    """Let only other passwords pass.

    Raises:
        CommonPassword: it is one of them.
    """
    if password.lower() in COMMON:
        raise CommonPassword
