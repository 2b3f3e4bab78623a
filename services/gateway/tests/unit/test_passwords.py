"""Passwords are hashed with today's parameters, a few at a time."""

import asyncio
import time
from dataclasses import replace

from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from chassis.errors import Unavailable
from gateway.passwords import MAX_WAITING, PARALLEL_HASHES, Passwords


async def test_a_password_fits_its_hash_and_no_other() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify(hashed, "correct horse") is True
    assert await passwords.verify(hashed, "Correct horse") is False


async def test_without_an_account_no_password_fits() -> None:
    assert await Passwords().verify(None, "correct horse") is False


async def test_without_an_account_the_same_work_is_done() -> None:
    """The parameters in a hash are what verifying it costs; `bench/login_timing.py` measures the time."""
    passwords = Passwords()
    for_nothing = extract_parameters(passwords._nobodys_hash)
    assert for_nothing == extract_parameters(await passwords.hash("correct horse"))
    assert for_nothing == replace(RFC_9106_LOW_MEMORY, version=for_nothing.version)
    started = time.process_time()
    await passwords.verify(passwords._nobodys_hash, "correct horse")
    with_account = time.process_time() - started
    started = time.process_time()
    await passwords.verify(None, "correct horse")
    assert time.process_time() - started > with_account / 4, "the hash was not computed"


async def test_a_hash_that_is_none_fits_nothing() -> None:
    assert await Passwords().verify("not a hash", "correct horse") is False


async def test_a_hash_of_weaker_parameters_is_outdated() -> None:
    passwords = Passwords()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
    assert passwords.is_outdated(weak)
    assert not passwords.is_outdated(await passwords.hash("correct horse"))


async def test_many_hashes_at_once_wait_for_their_turn() -> None:
    passwords = Passwords()
    hashes = await asyncio.gather(*(passwords.hash("same") for _ in range(PARALLEL_HASHES * 2)))
    assert len(set(hashes)) == len(hashes), "each has a salt of its own"
    assert len(passwords._threads._threads) == PARALLEL_HASHES, "no more than so many, each with 64 MB"


async def test_who_finds_too_many_waiting_is_told_when_to_come_back() -> None:
    passwords = Passwords()
    tries = [passwords.verify(None, "x") for _ in range(PARALLEL_HASHES + MAX_WAITING + 10)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 10
    assert all(error.retry_after_seconds >= 1 for error in refused)
    assert answers.count(False) == PARALLEL_HASHES + MAX_WAITING
    assert await passwords.verify(None, "x") is False, "the queue is empty again"
