"""Sessions and users in numbers that no password hash could be computed for: written past the service."""

import hashlib
import secrets

import asyncpg
from e2e_system import System, database_url

_COPY_USER = """
WITH customer AS (INSERT INTO gateway.customers (id, name) VALUES (gen_random_uuid(), 'Spare') RETURNING id)
INSERT INTO gateway.users (id, customer_id, email, name, password_hash)
SELECT gen_random_uuid(), customer.id, gen_random_uuid() || '@example.com', 'Spare', password_hash
FROM gateway.users, customer WHERE users.id = $1 RETURNING users.id
"""
_SESSION = (
    "INSERT INTO gateway.sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '1 day')"
)


async def more_sessions(stack: System, user_id: str, count: int) -> list[str]:
    """Cookies of sessions of this user."""
    return await _sessions(stack, [user_id] * count)


async def spare_sessions(stack: System, user_id: str, count: int) -> list[str]:
    """Cookies of sessions, each of another new user with this user's password."""
    connection = await asyncpg.connect(database_url(stack))
    try:
        users = [str(await connection.fetchval(_COPY_USER, user_id)) for _ in range(count)]
    finally:
        await connection.close()
    return await _sessions(stack, users)


async def _sessions(stack: System, users: list[str]) -> list[str]:
    cookies = [secrets.token_urlsafe(32) for _ in users]
    connection = await asyncpg.connect(database_url(stack))
    try:
        rows = [
            (hashlib.sha256(cookie.encode()).hexdigest(), user)
            for cookie, user in zip(cookies, users, strict=True)
        ]
        await connection.executemany(_SESSION, rows)
    finally:
        await connection.close()
    return cookies
