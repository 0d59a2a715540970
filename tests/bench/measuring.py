"""Whole processes, measured: their time by hyperfine, in rounds where they take turns; their memory by GNU time."""

import collections
import json
import os
import shlex
import statistics
import subprocess
import tempfile

Act = collections.namedtuple("Act", "words environment prepare", defaults=[None])


def paired(commands, environment, rounds, runs, prepare=None, within=()):
    """
    The seconds that each command takes: for each name a list of medians, one a round. In a round hyperfine runs each
    command `runs` times, so that what loads the machine meanwhile loads them all. `prepare` runs before each run.
    """
    seconds = {name: [] for name in commands}
    for _ in range(rounds):
        for name, median in zip(commands, one_round(commands.values(), environment, runs, prepare, within)):
            seconds[name].append(median)
    return seconds


def in_turn(acts, rounds, runs=1):
    """As above, for commands with an environment and a preparation of their own."""
    seconds = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            seconds[name] += one_round([act.words], act.environment, runs, act.prepare)
    return seconds


def one_round(commands, environment, runs, prepare, within=()):
    words = [*within, "hyperfine", "--shell=none", "--style=none", f"--runs={runs}"]
    if runs > 1:
        words.append("--warmup=1")
    if prepare:
        words.append(f"--prepare={shlex.join(map(str, prepare))}")
    with tempfile.NamedTemporaryFile() as results:
        words += [f"--export-json={results.name}", *(shlex.join(map(str, command)) for command in commands)]
        finished = subprocess.run(words, env={**os.environ, **environment}, text=True, capture_output=True, check=False)
        # Its warnings of outliers are no news on a machine that does other things too: the medians stand.
        assert finished.returncode == 0, finished.stderr
        return [result["median"] for result in json.load(results)["results"]]


def ratio(seconds, one, other):
    """How many times as long the one takes as the other: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other]))


def used(command, environment):
    """The memory in MiB at its peak, and the processor time in seconds, that a command takes."""
    with tempfile.NamedTemporaryFile("r") as report:
        subprocess.run(
            ["time", f"--output={report.name}", "--format=%M %U %S", *map(str, command)],
            env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL,
        )
        peak, user, system = map(float, report.read().split())
    return peak / 1024, user + system
