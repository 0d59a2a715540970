"""The option --full, and what the tests measured, told at the end of the run."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the complete runs instead of CI's")


@pytest.fixture
def full(request):
    return request.config.getoption("--full")


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, figure in report.user_properties:
                    terminalreporter.write_line(f"{name}: {figure}")
