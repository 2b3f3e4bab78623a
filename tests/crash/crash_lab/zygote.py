"""A process that has imported our services and forks them on request: a restart costs milliseconds.

Each fork is a process of its own, with its own environment and log, that dies by any signal like one
started by hand. Requests come as JSON lines on stdin (`id, module, argv, env, log`), answers leave on stdout
(`id, pid`, and `died, status`). When stdin ends, every fork is killed.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import sys
import threading
from typing import Any

WARM = (
    "gateway.app",
    "meta_auth.app",
    "ads_publisher.worker",
    "graph_sandbox.server",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "typer",
)


def main() -> None:
    for name in WARM:
        importlib.import_module(name)
    if threading.active_count() != 1:
        raise SystemExit("a module has started a thread: forking would be unsafe")
    gc.freeze()
    answers = os.dup(1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    living: set[int] = set()
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    _say(answers, ready=True)
    pending = b""
    while True:
        for key, _ in selector.select():
            chunk = os.read(key.fd, 65_536)
            if key.fd == wake_read:
                _reap(answers, living)
            elif not chunk:
                _end(living)
                return
            else:
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    wanted = json.loads(line)
                    living.add(pid := _fork(wanted))
                    _say(answers, id=wanted["id"], pid=pid)


def _reap(answers: int, living: set[int]) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        living.discard(pid)
        _say(answers, died=pid, status=os.waitstatus_to_exitcode(status))


def _end(living: set[int]) -> None:
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _say(answers: int, **facts: Any) -> None:
    os.write(answers, json.dumps(facts).encode() + b"\n")


def _fork(wanted: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _become(wanted)
        runpy.run_module(wanted["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(wanted: dict[str, Any]) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv = [wanted["module"], *wanted["argv"]]


if __name__ == "__main__":
    main()
