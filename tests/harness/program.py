"""The program under test."""

import os
import pathlib
import signal
import subprocess
import time
from dataclasses import dataclass

import servers

PROGRAM = pathlib.Path(os.environ.get("ORDERCACHE", servers.TESTS.parent / "build" / "ordercache")).resolve()


@dataclass
class Run:
    """A finished run of the program. A status below 0 is the signal that ended it."""

    status: int
    stdout: str
    stderr: str
    seconds: float


class Program:
    def __init__(self, environment):
        self.environment = environment
        self._started = []

    def __call__(self, *arguments, env=None, stdin="", timeout=60):
        begin = time.monotonic()
        finished = subprocess.run(
            [PROGRAM, *arguments], env=self._environment(env), input=stdin, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
        )
        return Run(finished.returncode, finished.stdout, finished.stderr, time.monotonic() - begin)

    def start(self, *arguments, env=None, before=(), **options):
        """The program, left running; its output is text. The words before it may name another that starts it."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [*before, PROGRAM, *arguments], env=self._environment(env), text=True, **{**streams, **options},
        )
        self._started.append(process)
        return process

    def _environment(self, changes):
        """With the changes; a variable that is None is unset."""
        merged = {**self.environment, **(changes or {})}
        return {name: str(value) for name, value in merged.items() if value is not None}

    def end(self):
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


def ask(process, customer):
    """The answer of a count that is kept running."""
    process.stdin.write(f"{customer}\n")
    process.stdin.flush()
    return process.stdout.readline()
