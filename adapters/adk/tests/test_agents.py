"""A google-adk agent with google-adk's runner, on both backends."""

import asyncio

import pytest
from conftest import MAKE
from flow import APP, SESSION, USER, converse, program
from google.genai import types

from cofferdam_adk import SandboxError

FAILED, OK = types.Outcome.OUTCOME_FAILED, types.Outcome.OUTCOME_OK


def test_a_traceback_is_read_and_the_corrected_program_succeeds(make: MAKE, backend: dict[str, str]) -> None:
    conversation = converse(
        make(**backend),
        program("print(6 *)"),
        program("import warnings\nwarnings.warn('mind this')\nprint(6 * 7)"),
        "It is 42.",
    )
    first, second = conversation.results
    assert (first.outcome, second.outcome) == (FAILED, OK)
    assert "SyntaxError" in (first.output or "")
    assert (second.output or "").startswith("Code execution result:\n42\n[stderr]\n")
    assert "mind this" in conversation.model.asked[2]
    assert conversation.answer == "It is 42."


def test_a_file_is_saved_as_an_artifact(make: MAKE, backend: dict[str, str]) -> None:
    code = "import os\nos.mkdir('out')\nopen('out/plot.png', 'wb').write(b'\\x89PNG\\xff')\nopen('a.csv', 'w').write('x,y\\n')"
    conversation = converse(make(**backend), program(code), "There.")
    (result,) = conversation.results
    assert result.outcome == OK
    assert "`a.csv`,`out/plot.png`" in (result.output or "")
    for name, content, mime_type in [("out/plot.png", b"\x89PNG\xff", "image/png"), ("a.csv", b"x,y\n", "text/csv")]:
        loading = conversation.artifacts.load_artifact(app_name=APP, user_id=USER, session_id=SESSION, filename=name)
        artifact = asyncio.run(loading)
        assert artifact is not None
        assert artifact.inline_data is not None
        assert (artifact.inline_data.data, artifact.inline_data.mime_type) == (content, mime_type)
    assert [event.actions.artifact_delta for event in conversation.events if event.actions.artifact_delta] == [
        {"a.csv": 0, "out/plot.png": 0}
    ]


def test_a_program_that_runs_too_long_keeps_its_output(make: MAKE, backend: dict[str, str]) -> None:
    executor = make(timeout_seconds=1, **backend)
    conversation = converse(executor, program("print('started')\nwhile True: pass"), "It takes too long.")
    (result,) = conversation.results
    assert result.outcome == FAILED
    assert (result.output or "").startswith("killed: time limit exceeded\nstdout (8 bytes):\n```\nstarted\n```\n")


def test_a_sandbox_that_cannot_start_ends_the_agents_run(
    make: MAKE, backend: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFERDAM_RUNSC", "/bin/false")
    monkeypatch.setenv("COFFERDAM_IMAGE", "registry.invalid/nothing:1")
    with pytest.raises(SandboxError) as raised:
        converse(make(**backend), program("print(1)"), "never said")
    assert raised.value.code in ("sandbox-unavailable", "image-unavailable")


CSV = types.Part.from_bytes(data=b"fruit,count\napple,3\npear,4\n", mime_type="text/csv")


def test_a_csv_file_is_delivered_in_a_cluster_too(make: MAKE, backend: dict[str, str]) -> None:
    """Without pandas, as in the default image: the flow's exploration fails, and the file is there."""
    executor = make(optimize_data_file=True, collect=[], **backend)
    read = "import csv\nprint(sum(int(row['count']) for row in csv.DictReader(open('data_1_1.csv'))))"
    conversation = converse(executor, program(read), "Seven.", parts=[CSV])
    explored, summed = conversation.results
    assert explored.outcome == OK or "No module named 'pandas'" in (explored.output or "")
    assert summed.output == "Code execution result:\n7\n\n"


def test_a_csv_file_is_explored(make: MAKE) -> None:
    """With pandas, which this machine's Python has."""
    executor = make(optimize_data_file=True, timeout_seconds=120, backend="local")
    conversation = converse(executor, "It has two rows.", parts=[CSV])
    (explored,) = conversation.results
    assert explored.outcome == OK
    assert "Total rows: 2\nTotal columns: 2" in (explored.output or "")
    assert "apple" in conversation.model.asked[0]
