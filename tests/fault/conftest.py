"""The option --full, and what the tests measured, told at the end of the run."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the complete runs instead of CI's")


@pytest.fixture
def full(request):
    return request.config.getoption("--full")


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """A line for each figure; where several tests give a number of one name, the greatest."""
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
