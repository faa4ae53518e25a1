"""Tests of the conversion of outcomes."""

import json
import sys

import pytest
from conftest import MAKE
from flow import converse, execute, program
from google.genai import types

from cofferdam_adk import ExecutionResult, quantity


def test_a_failure_without_stderr_is_a_failure_for_the_flow(make: MAKE) -> None:
    conversation = converse(make(), program("import sys\nprint('half')\nsys.exit(3)"), "It failed.")
    (result,) = conversation.results
    assert result.outcome == types.Outcome.OUTCOME_FAILED
    assert result.output == "exit code: 3\nstdout (5 bytes):\n```\nhalf\n```\n"


def test_stdout_is_exact(make: MAKE) -> None:
    document = '{"a": [1.0000000000000000001, true, null]}'
    result = execute(make(), f"print('''{document}''', end='')")
    assert result.stdout == document
    assert json.loads(result.stdout) == {"a": [1.0, True, None]}


def test_invalid_utf8_is_replaced_and_its_bytes_are_kept(make: MAKE) -> None:
    result = execute(make(), "import sys\nsys.stdout.buffer.write(b'a\\xffb')")
    assert isinstance(result, ExecutionResult)
    assert (result.stdout, result.exit_code, result.outcome.stdout.bytes) == ("a\ufffdb", 0, b"a\xffb")


def test_output_over_the_limit_is_cut_in_the_middle_and_marked(make: MAKE) -> None:
    result = execute(make(output_limit="1Ki"), "print('a' * 5000 + 'end')")
    assert "bytes cut ...]" in result.stdout
    assert result.stdout.startswith("aaa")
    assert result.stdout.endswith("end\n")
    assert len(result.stdout) < 1100


def test_files_of_a_failed_program_are_saved_and_named(make: MAKE) -> None:
    result = execute(make(), "open('log.txt', 'w').write('x')\nraise SystemExit(1)")
    assert [file.name for file in result.output_files] == ["log.txt"]
    assert result.stderr.endswith("Saved artifacts:\n`log.txt`\n")


def test_only_matching_files_are_returned(make: MAKE) -> None:
    code = "for name in ('a.csv', 'b.txt', 'user:mine.csv'): open(name, 'w').write('x')"
    assert [file.name for file in execute(make(collect=["*.csv"]), code).output_files] == ["a.csv"]
    assert execute(make(collect=[]), code).output_files == []


def test_skipped_files_are_named(make: MAKE) -> None:
    result = execute(make(), "import os\nos.symlink('/etc/passwd', 'link')\nprint('done')")
    assert result.stdout.startswith("done\n[not returned: link: ")


def test_files_have_a_mime_type(make: MAKE) -> None:
    code = "for name in 'a.png b.csv c.json d.md e.xyz-unknown f g.xlsx h.html'.split(): open(name, 'wb').write(b'x')\n"
    code += "open('i', 'wb').write(b'\\xff')"
    assert {file.name: file.mime_type for file in execute(make(), code).output_files} == {
        "a.png": "image/png",
        "b.csv": "text/csv",
        "c.json": "application/json",
        "d.md": "text/markdown",
        "e.xyz-unknown": "text/plain",
        "f": "text/plain",
        "g.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "h.html": "text/html",
        "i": "application/octet-stream",
    }


@pytest.mark.parametrize(("text", "amount"), [("1", 1), ("64Mi", 64 << 20), ("2k", 2000), ("1Ti", 1 << 40)])
def test_byte_quantities_are_parsed(text: str, amount: int) -> None:
    assert quantity.to_bytes(text) == amount


@pytest.mark.parametrize(("text", "amount"), [("500m", 500), ("2", 2000), ("1.5", 1500), ("0.125", 125)])
def test_cpu_quantities_are_parsed(text: str, amount: int) -> None:
    assert quantity.to_millis(text) == amount


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5Mi", "1e3", "Mi", "1 Mi", "٣", str(sys.maxsize) + "Ti"])
def test_invalid_quantities_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        quantity.to_bytes(text)
    if text not in ("1.5Mi",):
        with pytest.raises(ValueError, match="amount"):
            quantity.to_millis(text)
