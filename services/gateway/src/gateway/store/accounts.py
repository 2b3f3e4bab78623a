"""Customers, users, sessions, attempts that are counted, and links that reset a password."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.database import Connection, affected

LIST_LIMIT: Final = 100
"""Sessions that are shown at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    id: UUID
    customer_id: UUID
    email: str
    password_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSession:
    """A session that is neither revoked nor too old. `user` is None when the user has been deleted."""

    token_hash: str
    user_id: UUID | None
    customer_id: UUID | None
    email: str | None
    is_stale: bool
    """Its last use was noted long enough ago to be noted again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSession:
    """A session as its owner sees it in a list."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str | None
    current: bool


async def insert_customer(connection: Connection, customer_id: UUID, name: str) -> None:
    await connection.execute("INSERT INTO customers (id, name) VALUES ($1, $2)", customer_id, name)


async def insert_user(
    connection: Connection, *, user_id: UUID, customer_id: UUID, email: str, name: str, password_hash: str
) -> bool:
    """Add a user; False when the address is taken, which the index users_email_key decides."""
    added = await connection.fetchval(
        """
        INSERT INTO users (id, customer_id, email, name, password_hash) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (lower(email)) DO NOTHING RETURNING id
        """,
        user_id,
        customer_id,
        email,
        name,
        password_hash,
    )
    return added is not None


async def user_by_email(connection: Connection, email: str) -> User | None:
    """Whose address it is. A function: no customer is known yet whose rows could be looked at."""
    row = await connection.fetchrow(
        "SELECT id, customer_id, email, password_hash FROM user_by_email($1)", email
    )
    return User(**dict(row)) if row else None


async def user_by_id(connection: Connection, user_id: UUID) -> User | None:
    row = await connection.fetchrow(
        "SELECT id, customer_id, email, password_hash FROM users WHERE id = $1", user_id
    )
    return User(**dict(row)) if row else None


async def lock_password(connection: Connection, user_id: UUID, password_hash: str) -> bool:
    """Hold the password that was checked until the transaction ends; False when it is another by now.

    A change of the password waits for this, so it ends every session that the old one opened.
    """
    found = await connection.fetchval(
        "SELECT 1 FROM users WHERE id = $1 AND password_hash = $2 FOR SHARE", user_id, password_hash
    )
    return found is not None


async def replace_password_hash(
    connection: Connection, user_id: UUID, password_hash: str, *, old_hash: str
) -> bool:
    """Set a new password; False when the old one is another by now."""
    status = await connection.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3",
        user_id,
        password_hash,
        old_hash,
    )
    return affected(status) == 1


async def insert_session(
    connection: Connection, *, token_hash: str, user_id: UUID, absolute_seconds: int, user_agent: str | None
) -> None:
    await connection.execute(
        "INSERT INTO sessions (token_hash, user_id, expires_at, user_agent)"
        " VALUES ($1, $2, now() + make_interval(secs => $3), $4)",
        token_hash,
        user_id,
        absolute_seconds,
        user_agent,
    )


async def list_sessions(
    connection: Connection, user_id: UUID, *, current_hash: str, idle_seconds: int
) -> list[OpenSession]:
    """The open sessions of a user, the last used first, at most `LIST_LIMIT`."""
    rows = await connection.fetch(
        """
        SELECT id, created_at, last_seen_at, user_agent, token_hash = $2 AS current FROM sessions
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()
          AND last_seen_at > now() - make_interval(secs => $3)
        ORDER BY last_seen_at DESC, id LIMIT $4
        """,
        user_id,
        current_hash,
        idle_seconds,
        LIST_LIMIT,
    )
    return [OpenSession(**dict(row)) for row in rows]


async def revoke_session_by_id(connection: Connection, user_id: UUID, session_id: UUID) -> str | None:
    """End a session of this user; returns its token hash, or None when there is no such open session."""
    token_hash: str | None = await connection.fetchval(
        "UPDATE sessions SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL"
        " RETURNING token_hash",
        session_id,
        user_id,
    )
    return token_hash


async def revoke_sessions(connection: Connection, user_id: UUID) -> int:
    """End every session of a user; returns how many were open."""
    status = await connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL", user_id
    )
    return affected(status)


async def find_session(
    connection: Connection, token_hash: str, *, idle_seconds: int, touch_seconds: float
) -> FoundSession | None:
    """The session of a cookie, unless it is revoked, idle for too long or past its end.

    A function gives the session and its user: whose it is, is what is asked.
    """
    row = await connection.fetchrow(
        """
        SELECT (session).token_hash, (session).user_id, customer_id, email,
               (session).last_seen_at < now() - make_interval(secs => $3) AS is_stale
        FROM session_by_hash($1)
        WHERE (session).revoked_at IS NULL AND (session).expires_at > now()
          AND (session).last_seen_at > now() - make_interval(secs => $2)
        """,
        token_hash,
        idle_seconds,
        touch_seconds,
    )
    return FoundSession(**dict(row)) if row else None


async def touch_session(connection: Connection, token_hash: str) -> None:
    await connection.execute("UPDATE sessions SET last_seen_at = now() WHERE token_hash = $1", token_hash)


async def revoke_session(connection: Connection, token_hash: str) -> tuple[UUID, UUID] | None:
    """End a session, whoever's it is; its user and customer, or None when it was not open."""
    row = await connection.fetchrow("SELECT user_id, customer_id FROM end_session($1)", token_hash)
    return (row["user_id"], row["customer_id"]) if row and row["user_id"] else None


async def add_attempt(connection: Connection, kind: str, account_hash: str, address: str) -> int:
    attempt: int = await connection.fetchval(
        "INSERT INTO login_attempts (kind, account_hash, address) VALUES ($1, $2, $3) RETURNING id",
        kind,
        account_hash,
        address,
    )
    return attempt


async def attempt_wait_seconds(
    connection: Connection, kind: str, who: dict[str, str], *, allowed: int, window_seconds: int
) -> float:
    """How long to wait before another attempt; 0 when it may be made now.

    `who` has the columns that are counted by: `account_hash`, `address` or both. The attempt itself is
    already among them, so of any number at once at most `allowed` pass.
    """
    columns = " AND ".join(f"{column} = ${place}" for place, column in enumerate(who, start=4))
    wait: float | None = await connection.fetchval(
        f"""
        SELECT extract(epoch FROM at + make_interval(secs => $2) - now())::float8 FROM login_attempts
        WHERE kind = $1 AND at > now() - make_interval(secs => $2) AND {columns}
        ORDER BY at DESC, id DESC OFFSET $3 LIMIT 1
        """,
        kind,
        window_seconds,
        allowed,
        *who.values(),
    )
    return max(wait, 1.0) if wait is not None else 0.0


async def remove_attempt(connection: Connection, attempt: int) -> None:
    await connection.execute("DELETE FROM login_attempts WHERE id = $1", attempt)


async def forget_failed_logins(connection: Connection, account_hash: str, address: str) -> None:
    await connection.execute(
        "DELETE FROM login_attempts WHERE kind = 'login' AND account_hash = $1 AND address = $2",
        account_hash,
        address,
    )


async def note_known_address(connection: Connection, account_hash: str, address: str) -> None:
    await connection.execute(
        "INSERT INTO known_addresses (account_hash, address) VALUES ($1, $2)"
        " ON CONFLICT (account_hash, address) DO UPDATE SET seen_at = now()",
        account_hash,
        address,
    )


async def is_known_address(connection: Connection, account_hash: str, address: str) -> bool:
    found = await connection.fetchval(
        "SELECT 1 FROM known_addresses WHERE account_hash = $1 AND address = $2", account_hash, address
    )
    return found is not None


async def insert_password_reset(
    connection: Connection, *, token_hash: str, user_id: UUID, seconds: int, at_most: int
) -> bool:
    """Keep a link, unless the user has `at_most` of them already; then False."""
    # The lock makes those who ask at once wait for each other.
    _ = await connection.fetchval("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
    status = await connection.execute(
        """
        INSERT INTO password_resets (token_hash, user_id, expires_at)
        SELECT $1, $2::uuid, now() + make_interval(secs => $3)
        WHERE (SELECT count(*) FROM password_resets WHERE user_id = $2 AND expires_at > now()) < $4
        """,
        token_hash,
        user_id,
        seconds,
        at_most,
    )
    return affected(status) == 1


async def user_of_reset(connection: Connection, token_hash: str) -> User | None:
    """Whose password a link resets, unless it is used or too old. A function, as for `user_by_email`."""
    row = await connection.fetchrow(
        "SELECT id, customer_id, email, password_hash FROM user_by_reset($1)", token_hash
    )
    return User(**dict(row)) if row else None


async def remove_password_resets(connection: Connection, user_id: UUID) -> None:
    await connection.execute("DELETE FROM password_resets WHERE user_id = $1", user_id)
