"""What alertd asks of its own process: its memory, its interpreter, its log."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import logging
import os
import resource
import sys

import structlog

from alertd.config.secret import hide

M_ARENA_MAX = -8  # of mallopt(3)
COLLECT = (10_000, 2, 100)  # new objects before a look at them (1 ms); how many such looks before a wider one (4 ms)
SWITCH = 0.001  # seconds; a fifth of this costs throughput
FILES = 1024  # open files and connections, 8 KB of the kernel's memory


def share_memory() -> None:
    """Have all threads take memory from one place: by itself glibc gives each its own, of which most stays unused, 2 MB
    at rest. They take turns anyway. Elsewhere than with glibc nothing is to be done."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_ARENA_MAX, 1)


def collect_rarely() -> None:
    """Have the garbage collector look at less at a time. Nearly nothing here is garbage in cycles, and a look at all
    that is imported and all that a burst brings holds every thread for tens of milliseconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def share_often() -> None:
    """Have a busy thread give the interpreter up sooner. At the default (5 ms) the event loop waits 15 ms for its turn
    while one thread decodes a large webhook and another decides the one before it."""
    sys.setswitchinterval(SWITCH)


def expect_files() -> None:
    """Have the kernel's table of open files be long enough from the start. It doubles the table when one more does not
    fit, and where threads share it, it waits each time until every processor has noticed: whoever accepted the 65th,
    the 129th, the 257th connection stood still for 10 to 25 ms (expand_fdtable in
    https://github.com/torvalds/linux/blob/master/fs/file.c; measured). A table never becomes shorter."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = FILES - 1 if soft == resource.RLIM_INFINITY else min(FILES, soft) - 1
    with open(os.devnull, "rb") as some, contextlib.suppress(OSError):  # taken already, by whoever started this
        os.close(fcntl.fcntl(some, fcntl.F_DUPFD_CLOEXEC, last))


def set_up_logs(json_lines: bool) -> None:
    """Structured lines on stderr; the libraries' own loggers are quieter, since the attempts record their outcome."""
    render = structlog.processors.JSONRenderer() if json_lines else structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info,
                    render, lambda _logger, _name, line: hide(str(line))],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr), cache_logger_on_first_use=True)
    for name in ("slack_sdk", "apscheduler", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
