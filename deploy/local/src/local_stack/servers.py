"""Postgres and Valkey as plain child processes on 127.0.0.1, with their data in a folder.

Both are started by us, from the programs in the wheels, so that stopping, crashing and starting again on the
same data are ours to decide. As root, Postgres runs as an unprivileged account that owns its data folder.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from contracts.redis_acl import HEALTH_USER, redis_acl
from local_stack import binaries
from local_stack.credentials import REDIS_ADMIN
from local_stack.ports import HOST
from local_stack.process import Child, ChildFailedError, launch_argv

UNPRIVILEGED_ACCOUNT = "nobody"
"""Who runs Postgres when we are root. Exists on every Linux and macOS; initdb asks for a named account."""

_SUPERUSER = "postgres"


class _Server:
    """What both servers share: life and death of one child."""

    child: Child
    port: int

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self.child.pid

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.child.is_running()

    def is_ready(self) -> bool:
        """Whether it accepts work."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Create the data folder if it is not there yet."""
        raise NotImplementedError

    def start(self, timeout_seconds: float = 30) -> None:
        """Prepare, start, and return when it accepts work.

        Raises:
            ChildFailedError: it did not come up; the text shows its last log lines.
        """
        self.prepare()
        self.child.spawn()
        self.child.wait_until(self.is_ready, timeout_seconds)

    def stop(self) -> None:
        """Stop cleanly; the data stays."""
        self.child.stop()

    def kill(self) -> None:
        """Stop as a crash would: nothing is flushed, the next start recovers."""
        self.child.kill()

    def restart(self) -> None:
        """Stop cleanly and start again on the same data and port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        self.child.pause()

    def resume(self) -> None:
        """Let a paused process go on."""
        self.child.resume()


class EmbeddedPostgres(_Server):
    """A Postgres server in `data_dir` (`pgdata/`, `admin-password`, and the log unless `log_path` is given).

    `durable=False` skips fsync: data still survives the death of every process, though not a power cut.
    """

    def __init__(
        self, data_dir: Path, port: int, *, durable: bool = True, log_path: Path | None = None
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self._cluster = self.data_dir / "pgdata"
        self._password_file = self.data_dir / "admin-password"
        self._durable = durable
        self._account = UNPRIVILEGED_ACCOUNT if os.geteuid() == 0 else None
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",  # paths of sockets are limited to about 100 characters
            "max_connections": "400",
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.child = Child(
            "postgres",
            [binaries.postgres(), "-D", self._cluster, *options],
            log_path=log_path or self.data_dir / "postgres.log",
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions and writes a checkpoint
            # Immediate shutdown: no checkpoint, sessions cut, recovery at the next start. SIGKILL to the main
            # process alone leaves workers that hold the shared memory, and the next start would fail on it.
            kill_signal=signal.SIGQUIT,
            account=self._account,
        )

    @property
    def admin_url(self) -> str:
        """Address of the superuser in the database `postgres`. Holds a password: never log it."""
        return self.url()

    def url(self, database: str = "postgres") -> str:
        """Address of the superuser in this database. Holds a password: never log it."""
        return f"postgresql://{_SUPERUSER}:{self._password_file.read_text().strip()}@{HOST}:{self.port}/{database}"

    def is_ready(self) -> bool:
        """Whether the server of this start says in its lock file that it accepts connections."""
        lines = self._lock_file()
        return lines[:1] == [str(self.child.pid)] and lines[-1].strip() == "ready"

    def prepare(self) -> None:
        """Run initdb on the first start; on later ones remove a lock file that a crash left."""
        if (self._cluster / "PG_VERSION").exists():
            self._require_ownership()
            self._forget_dead_owner()
            return
        shutil.rmtree(self._cluster, ignore_errors=True)  # what an interrupted initdb left
        self._cluster.mkdir(parents=True, mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        if self._account:
            entry = pwd.getpwnam(self._account)
            os.chown(self._cluster, entry.pw_uid, entry.pw_gid)
            os.chown(self._password_file, entry.pw_uid, entry.pw_gid)
        self._initdb()

    def _initdb(self) -> None:
        argv: list[str | Path] = [
            binaries.initdb(),
            "-D",
            self._cluster,
            "-U",
            _SUPERUSER,
            "--pwfile",
            self._password_file,
        ]
        argv += [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        argv += [
            "--locale=C",
            "--no-instructions",
            "--wal-segsize=4",
            *([] if self._durable else ["--no-sync"]),
        ]
        done = subprocess.run(  # noqa: S603  our own argument list, no shell
            launch_argv(argv, account=self._account), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            shutil.rmtree(self._cluster, ignore_errors=True)
            raise ChildFailedError(f"initdb failed with code {done.returncode}:\n{done.stdout}{done.stderr}")

    def _require_ownership(self) -> None:
        owner = self._cluster.stat().st_uid
        ours = pwd.getpwnam(self._account).pw_uid if self._account else os.geteuid()
        if owner != ours:
            raise ChildFailedError(
                f"{self._cluster} was made by another account (uid {owner}, this one needs uid {ours}). "
                f"Start as the user who made it, or remove {self.data_dir.parent} to begin anew."
            )

    def _forget_dead_owner(self) -> None:
        # After a reboot the number in the lock file may belong to any process of ours, and Postgres would
        # take that for a running server.
        lines = self._lock_file()
        if not lines or not lines[0].isdecimal():
            return
        try:
            alive = psutil.Process(int(lines[0])).name().startswith("postgres")
        except psutil.NoSuchProcess:
            alive = False
        if not alive:
            (self._cluster / "postmaster.pid").unlink()

    def _lock_file(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


class EmbeddedValkey(_Server):
    """A Valkey server in `data_dir`, with every write appended to a log that the next start reads.

    With `passwords`, by user, each service may do there what the contracts allow it, and `REDIS_ADMIN`
    everything; without, anybody may do everything.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        *,
        log_path: Path | None = None,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self._passwords = dict(passwords or {})
        self._acl_file = self.data_dir / "users.acl"
        options = {
            "--bind": HOST,
            "--port": str(port),
            "--dir": str(self.data_dir),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            **({"--aclfile": str(self._acl_file)} if passwords else {}),
        }
        self.child = Child(
            "valkey",
            [binaries.valkey_server(), *(part for pair in options.items() for part in pair)],
            log_path=log_path or self.data_dir / "valkey.log",
        )

    @property
    def url(self) -> str:
        """Address of the first database for the administrator. May hold a password: never log it."""
        return redis_url(self.port, REDIS_ADMIN, self._passwords)

    def is_ready(self) -> bool:
        """Whether it answers PING; while it still reads its data it does not."""
        login = f"AUTH {HEALTH_USER} -\r\n" if self._passwords else ""
        try:
            with (
                socket.create_connection((HOST, self.port), timeout=1) as connection,
                connection.makefile("rb") as answers,
            ):
                connection.sendall(f"{login}PING\r\n".encode())
                return all(answers.readline().startswith(b"+") for _ in ("login", "ping")[not login :])
        except OSError:
            return False

    def prepare(self) -> None:
        """Create the folder and say who may do what."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._passwords:
            services = {user: text for user, text in self._passwords.items() if user != REDIS_ADMIN}
            admin = f"user {REDIS_ADMIN} on >{self._passwords[REDIS_ADMIN]} ~* &* +@all\n"
            self._acl_file.touch(mode=0o600)
            self._acl_file.write_text(redis_acl(services).replace("user default off\n", admin))


def redis_url(port: int, user: str, passwords: Mapping[str, str]) -> str:
    """Address of the first database for this user; one without a password is none of a server's users."""
    login = f"{user}:{passwords[user]}@" if user in passwords else ""
    return f"redis://{login}{HOST}:{port}/0"
