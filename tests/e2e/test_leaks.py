"""Memory: valgrind finds nothing lost, and no bad use, in what the program does most."""

import subprocess

import pytest

from program import PROGRAM
from orders import an_order

VALGRIND = [
    "valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
]


def under_valgrind(ordercache, *arguments):
    return subprocess.run(
        [*VALGRIND, PROGRAM, *arguments, "--timeout=0"], env=ordercache.environment, timeout=60, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def test_a_miss_loses_no_memory(ordercache):
    run = under_valgrind(ordercache, "count")
    assert (run.returncode, run.stdout, run.stderr) == (0, "12000\n", "")


def test_a_hit_loses_no_memory(ordercache, cache):
    cache.set("num_orders:all", 4711)
    run = under_valgrind(ordercache, "count")
    assert (run.returncode, run.stdout, run.stderr) == (0, "4711\n", "")


@pytest.mark.parametrize("arguments", [an_order(), [*an_order(), "--dry-run"]], ids=["add", "rehearsal"])
def test_an_add_loses_no_memory(ordercache, arguments):
    run = under_valgrind(ordercache, *arguments)
    assert (run.returncode, run.stdout, run.stderr) == (0, "12001\n", "")


def test_a_batch_loses_no_memory(ordercache, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("date,customer,net,tax\n" + "2023-03-10,9999,23.00,1.80\n" * 100)
    run = under_valgrind(ordercache, "add", "--from", path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "100\n", "")


def test_an_order_that_postgresql_rejects_loses_no_memory(ordercache):
    run = under_valgrind(ordercache, *an_order(customer=2_000_000_000))
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
