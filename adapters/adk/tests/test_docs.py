"""The example of docs/adk.md."""

import asyncio
import re
from pathlib import Path

import pytest
from conftest import ROOT, Cluster
from flow import Conversation, program

# The example of google-adk's documentation, with one import changed.
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs/adk.md").read_text(), re.DOTALL)


def run_example(text: str) -> str:
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - our own documentation
    agent = names["gke_agent"]
    conversation = Conversation(None, [program("print(6 * 7)"), "It is 42."], agent)  # type: ignore[arg-type]
    asyncio.run(conversation.run())
    names["gke_executor"].close()  # type: ignore[attr-defined]
    (result,) = conversation.results
    return result.output or ""


def test_the_example_runs_on_this_machine(place: Path) -> None:  # noqa: ARG001 - where it runs
    assert EXAMPLE is not None
    assert run_example(EXAMPLE[1]) == "Code execution result:\n42\n\n"


def test_the_example_runs_in_a_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXAMPLE is not None
    # The namespace of the example may not exist, or others may use it.
    text = EXAMPLE[1].replace("agent-sandbox", cluster.namespace)
    monkeypatch.setenv("COFFERDAM_BACKEND", "kubernetes")
    assert run_example(text) == "Code execution result:\n42\n\n"
