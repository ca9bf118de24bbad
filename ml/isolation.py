"""No network for training and generation: a namespace without any, else a filter on system calls.

Must be called first thing in a process, while it has one thread: what it starts later inherits the isolation.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from pathlib import Path
from typing import Literal

from ml.phrases import Phrase, gettext_noop

Isolation = Literal["network namespace", "user and network namespace", "seccomp filter", "none"]

_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_DENY = 0x00050000 | errno.EACCES
# Per machine: audit architecture, number of socket(2); io_uring_setup(2) is 425 on both. It could open sockets unseen.
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425
_X32_BIT = 0x40000000


class IsolationError(RuntimeError):
    """This machine offers no way to cut a process off the network; the message says what to do."""

    code = "isolation"


def isolate(network: str) -> Isolation:
    """Cut this process off the network unless `network` is "allowed"; returns how it was done.

    Tries a network namespace, then one inside a user namespace, then a seccomp filter that refuses every socket that is
    not a local (Unix) one. Raises IsolationError if none works.
    """
    if network == "allowed":
        return "none"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) == 0:
        return "network namespace"
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER | _NEW_NETWORK) == 0:
        _keep_identity(user, group)
        return "user and network namespace"
    if _filter_sockets(libc):
        return "seccomp filter"
    raise IsolationError(
        Phrase(
            gettext_noop(
                "This machine can run a training neither in a network namespace nor under a seccomp filter, so the "
                "process could reach the network. Allow user namespaces, or let an admin allow the network for this "
                "run."
            )
        )
    )


def has_network() -> bool:
    """Whether this process can reach anything but itself: an internet socket opens and finds a route."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # a documentation address: choosing a route sends nothing
    except OSError:
        return False
    return True


def _keep_identity(user: int, group: int) -> None:
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _filter_sockets(libc: ctypes.CDLL) -> bool:
    facts = _MACHINES.get(platform.machine())
    if facts is None:
        return False
    code = _socket_filter(*facts)
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _socket_filter(architecture: int, socket_call: int) -> bytes:
    """A classic BPF program over struct seccomp_data: number at 0, architecture at 4, first argument at 16."""
    load, equal, above, give = 0x20, 0x15, 0x35, 0x06

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    return b"".join(
        (
            step(load, 4),
            step(equal, architecture, 1, 0),
            step(give, _KILL),
            step(load, 0),
            step(above, _X32_BIT, 5, 0),
            step(equal, _IO_URING_SETUP, 4, 0),
            step(equal, socket_call, 0, 2),
            step(load, 16),
            step(equal, socket.AF_UNIX, 0, 1),
            step(give, _ALLOW),
            step(give, _DENY),
        )
    )
