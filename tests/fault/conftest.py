"""The options, the order of the tests, and what they measured, told at the end of the run."""

import pathlib
import subprocess

import pytest

# Each file is one worker's: those that take longest begin first.
LONGEST = ("test_histories.py", "test_crash_points.py", "test_following.py", "test_cut_wires.py")


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the complete runs instead of CI's")
    parser.addoption("--seed", type=int, help="which third of the crash points to try without --full; by default the commit decides")


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture
def full(request):
    return request.config.getoption("--full")


@pytest.fixture
def seed(request):
    return chosen_seed(request.config)


def chosen_seed(config):
    """The commit's, so that the next one tries other points, if none is given."""
    if (given := config.getoption("--seed")) is not None:
        return given
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=False,
    ).stdout
    return int(commit[:6] or "0", 16)


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    """A line for each figure; where several tests give a number of one name, the greatest."""
    if not config.getoption("--full"):
        terminalreporter.write_line(f"seed: {chosen_seed(config)}, which --seed takes")
    greatest = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, figure in report.user_properties:
                    if isinstance(figure, str):
                        terminalreporter.write_line(f"{name}: {figure}")
                    else:
                        greatest[name] = max(figure, greatest.get(name, figure))
    for name, figure in greatest.items():
        terminalreporter.write_line(f"{name}: {figure}")
