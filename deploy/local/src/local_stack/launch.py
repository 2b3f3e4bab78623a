"""Become another program that cannot outlive its parent, giving up root first when asked.

Run as a script with the standard library only: `python -I -S launch.py PARENT SIGNAL ACCOUNT program args...`

- PARENT: process id of the supervisor; when it dies, the kernel sends SIGNAL to the program (Linux;
  elsewhere the supervisor's record of its children is what `down` cleans up by).
- ACCOUNT: `-` to stay who we are, else the account to run as. Postgres refuses to run as root.

Root keeps one capability across the change of account, CAP_DAC_OVERRIDE, as an ambient one: a checkout below
a home folder of mode 0700 would otherwise be out of reach, and opening that folder to everybody is worse.
Source: capabilities(7), prctl(2), PR_SET_PDEATHSIG(2const).
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def _give_up_root(account: str) -> None:
    entry = pwd.getpwnam(account)
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None)
    if linux:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/"
    if linux:
        mask = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        wanted = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable
        # A container may withhold the capability; then only folders that everybody may enter work.
        if libc.capset(header, wanted) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _die_with(parent: int, signal_number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """Prepare this process and replace it by the program."""
    parent, signal_number, account, *program = arguments
    if account != "-":
        try:
            _give_up_root(account)
        except (KeyError, PermissionError) as error:
            sys.exit(
                f"cannot run {program[0]} as {account} ({error}); start this as an ordinary user instead"
            )
    # After the change of account, because that clears the death signal.
    _die_with(int(parent), int(signal_number))
    os.execv(program[0], program)  # noqa: S606  the point of this file


if __name__ == "__main__":
    main(sys.argv[1:])
