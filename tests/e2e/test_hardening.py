"""How the program's file lets itself be loaded: what checksec would say of it."""

import re
import subprocess

import pytest

from program import PROGRAM

SEGMENT = re.compile(r"^ +(\w+) +0x\S+ +0x\S+ +0x\S+ +0x\S+ +0x\S+ +([RWE ]{3}) ", re.MULTILINE)


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def segments():
    """Of each segment its type and what its pages allow: some of R, W and E."""
    segments = [(kind, set(flags) - {" "}) for kind, flags in SEGMENT.findall(readelf("--program-headers"))]
    assert {kind for kind, _ in segments} >= {"LOAD", "DYNAMIC", "INTERP"}
    return segments


def flags_of(segments, kind):
    return [flags for other, flags in segments if other == kind]


def test_the_program_is_loaded_anywhere():
    assert re.search(r"Type: +DYN \(Position-Independent Executable file\)", readelf("--file-header"))


def test_the_tables_of_addresses_are_bound_at_start_and_then_read_only(segments):
    dynamic = readelf("--dynamic")
    assert re.search(r"\(FLAGS\).*\bBIND_NOW\b", dynamic) and re.search(r"\(FLAGS_1\).*\bNOW\b", dynamic)
    assert flags_of(segments, "GNU_RELRO") == [{"R"}]


def test_the_stack_is_not_executable(segments):
    assert flags_of(segments, "GNU_STACK") == [{"R", "W"}]


def test_no_page_is_both_writable_and_executable(segments):
    assert not [segment for segment in segments if segment[1] >= {"W", "E"}]


def test_code_has_pages_of_its_own():
    sections = re.findall(r"^ +\[ *\d+\] (\S+) +\w+ +\S+ +\S+ +\S+ +\S+ +(\w*)", readelf("--sections"), re.MULTILINE)
    executable = {name for name, flags in sections if "X" in flags}
    assert ".text" in executable
    mapping = readelf("--program-headers").partition("Section to Segment mapping")[2]
    loaded = [set(line.split()[1:]) for line in mapping.splitlines() if line.split()[1:]]
    assert [names for names in loaded if ".text" in names and names <= executable]
    assert not [names for names in loaded if names & executable and not names <= executable]


def test_the_stack_and_the_buffers_of_libc_are_guarded():
    undefined = readelf("--dyn-syms")
    assert "__stack_chk_fail" in undefined
    assert re.search(r"__\w+_chk\b", undefined.replace("__stack_chk_fail", ""))


def test_the_program_names_no_folder_to_load_libraries_from():
    assert not re.search(r"\((RPATH|RUNPATH)\)", readelf("--dynamic"))
