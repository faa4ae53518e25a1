"""The environment for google-adk. `scripts/adk-tests.sh` runs these, as they need google-adk."""

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from conftest import ROOT, running
from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.environment import EnvironmentToolset
from google.genai import types
from pydantic import PrivateAttr

from cofferdam import Client, CofferdamError, GoneError, InvalidRequestError, UnreachableError
from cofferdam.adk import CofferdamEnvironment


class ScriptedModel(BaseLlm):
    """Returns one answer after another: calls of tools, or a text. Records the system instructions."""

    model: str = "scripted"
    answers: list[list[tuple[str, dict[str, Any]]] | str]
    _asked: list[str] = PrivateAttr(default_factory=list)

    async def generate_content_async(self, llm_request: LlmRequest, stream: bool = False) -> AsyncGenerator[LlmResponse, None]:
        assert not stream
        self._asked.append(str(llm_request.config.system_instruction))
        answer = self.answers[len(self._asked) - 1]
        calls = [types.FunctionCall(name=name, args=args) for name, args in ([] if isinstance(answer, str) else answer)]
        parts = [types.Part(function_call=call) for call in calls] or [types.Part(text=str(answer))]
        yield LlmResponse(content=types.Content(role="model", parts=parts))


def send(runner: InMemoryRunner, session: str) -> list[dict[str, Any]]:
    """Sends one message of a user, on an event loop of its own. Returns the results of the tools."""
    message = types.Content(role="user", parts=[types.Part(text="go")])
    events = list(runner.run(user_id="somebody", session_id=session, new_message=message))
    responses = [response for event in events for response in event.get_function_responses()]
    return [response.response or {} for response in responses]


def new_runner(agent: LlmAgent) -> tuple[InMemoryRunner, str]:
    runner = InMemoryRunner(agent=agent, app_name="tests")
    session = asyncio.run(runner.session_service.create_session(app_name="tests", user_id="somebody"))
    return runner, session.id


def test_an_agent_works_in_steps(sidecar: str) -> None:
    environment = CofferdamEnvironment(sidecar, idle_timeout=60)
    tools = EnvironmentToolset(environment=environment)
    program = "import sys\nprint(6 * 7, file=sys.stdout)\n"
    model = ScriptedModel(
        answers=[
            [("WriteFile", {"path": "src/a.py", "content": program})],
            [("Execute", {"command": "python3 src/a.py; sleep 600 & echo $! >pid; exit 3"})],
            "It is 42.",
            [("EditFile", {"path": "src/a.py", "old_string": "6 * 7", "new_string": "6 * 8"})],
            [("ReadFile", {"path": "src/a.py", "start_line": 2}), ("ReadFile", {"path": "none"})],
            [("Execute", {"command": "kill -0 $(cat pid) && python3 src/a.py"})],
            "It is 48.",
        ]
    )
    runner, session = new_runner(LlmAgent(name="coder", model=model, tools=[tools]))
    assert send(runner, session) == [
        {"status": "ok", "message": "Wrote src/a.py"},
        {"status": "error", "stdout": "42\n", "exit_code": 3},
    ]
    edited, read, missing, executed = send(runner, session)
    assert edited["status"] == "ok"
    assert read["content"] == "     2\tprint(6 * 8, file=sys.stdout)\n"
    assert missing == {"status": "error", "error": "File not found: none"}
    assert executed == {"status": "ok", "stdout": "48\n"}
    assert all("Your environment is at /work/" in instruction for instruction in model._asked)
    with Client(sidecar) as client:
        session_id = environment.session_id
        asyncio.run(tools.close())
        with pytest.raises(GoneError):
            client.session(session_id)


def test_results_are_those_of_the_command(sidecar: str) -> None:
    async def main() -> None:
        environment = CofferdamEnvironment(sidecar, env={"A": "b"}, limits={"output_bytes": 1000})
        await environment.initialize()
        try:
            result = await environment.execute(r"echo $A; printf '\377' >&2; exit 7", timeout=30)
            assert (result.exit_code, result.stdout, result.stderr, result.timed_out) == (7, "b\n", "\ufffd", False)
            result = await environment.execute("echo so far; sleep 60", timeout=2)
            assert (result.exit_code, result.stdout, result.stderr, result.timed_out) == (124, "so far\n", "", True)
            result = await environment.execute("printf no >&2; python3 -c 'bytearray(1 << 40)'")
            assert (result.exit_code, result.stderr) == (137, "no\n[killed: memory limit exceeded]\n")
            result = await environment.execute("seq 1000")
            assert re.fullmatch(r"1\n.*\n\[\.\.\. 2893 bytes cut \.\.\.\]\n.*1000\n", result.stdout, re.DOTALL)
            with pytest.raises(CofferdamError, match="ceiling"):
                await environment.execute("true", timeout=1e9)
        finally:
            await environment.close()

    asyncio.run(main())


def test_paths_are_relative_to_the_working_directory(sidecar: str) -> None:
    async def main() -> None:
        environment = CofferdamEnvironment(sidecar, working_dir="/work/a/b")
        await environment.initialize()
        try:
            assert environment.working_dir == Path("/work/a/b")
            await environment.write_file(Path("c/d"), "größe\r\n")
            await environment.write_file("../e", b"\xff\0")
            assert await environment.read_file(PurePosixPath("/work/a/b/c/d")) == "größe\r\n".encode()
            assert (await environment.execute("pwd; cat ../e | od -An -tx1; chmod 755 c/d")).stdout == "/work/a/b\n ff 00\n"
            await environment.write_file("c/d", "")
            assert (await environment.execute("stat -c %a c/d")).stdout == "755\n"
            with pytest.raises(FileNotFoundError, match="none"):
                await environment.read_file("c/none")
            with pytest.raises(InvalidRequestError, match="directory"):
                await environment.read_file("c")
        finally:
            await environment.close()

    asyncio.run(main())


def test_there_is_one_session_until_it_is_closed(sidecar: str) -> None:
    user = {"user": "life"}

    async def main() -> None:
        environment = CofferdamEnvironment(sidecar, metadata=user)
        await environment.close()
        with pytest.raises(RuntimeError, match="initialize"):
            await environment.execute("true")
        await asyncio.gather(environment.initialize(), environment.initialize())
        first = environment.session_id
        await environment.initialize()
        assert environment.is_initialized
        with Client(sidecar) as client:
            assert [found.id for found in client.sessions(user)] == [first]
            await environment.close()
            await environment.close()
            assert not environment.is_initialized
            assert client.sessions(user) == []
            await environment.initialize()
            assert environment.session_id != first
            await environment.close()

    asyncio.run(main())


def test_a_named_session_is_used_again(sidecar: str) -> None:
    async def main() -> None:
        first, second = (CofferdamEnvironment(sidecar, name="shared") for _ in range(2))
        await asyncio.gather(first.initialize(), second.initialize(), first.initialize())
        await first.write_file("f", "1")
        assert await second.read_file("f") == b"1"
        await first.close()
        await second.close()

    asyncio.run(main())


def test_an_environment_that_cannot_be_made_leaves_no_session(sidecar: str) -> None:
    user = {"user": "failing"}
    environment = CofferdamEnvironment(sidecar, metadata=user, working_dir="/proc/none")
    with pytest.raises(CofferdamError):
        asyncio.run(environment.initialize())
    assert not environment.is_initialized
    with Client(sidecar) as client:
        assert client.sessions(user) == []
    with pytest.raises(ValueError, match="no address"):
        CofferdamEnvironment("ftp://sidecar.example")


def test_a_cancelled_command_is_killed(sidecar: str) -> None:
    async def main() -> None:
        environment = CofferdamEnvironment(sidecar)
        await environment.initialize()
        with Client(sidecar) as client:
            session = client.session(environment.session_id)
            changes = session.files.watch()
            next(changes)
            command = asyncio.create_task(environment.execute("echo > started; sleep 60"))
            await asyncio.to_thread(next, changes)
            changes.close()
            command.cancel()
            await asyncio.wait([command])
            (execution,) = session.executions()
            assert (await asyncio.to_thread(session.process(execution.id).wait)).exit_code != 0
        await environment.close()

    asyncio.run(main())


def test_a_session_that_has_ended_is_an_error_until_another_is_opened(sidecar: str) -> None:
    async def main() -> None:
        environment = CofferdamEnvironment(sidecar)
        await environment.initialize()
        with Client(sidecar) as client:
            client.session(environment.session_id).close()
        for _ in range(2):
            with pytest.raises(GoneError, match="closed"):
                await environment.read_file("f")
        # google-adk asks for it before each request to the model.
        assert environment.working_dir == Path("/work")
        assert not environment.is_initialized
        await environment.initialize()
        assert (await environment.execute("ls")).stdout == ""
        await environment.close()

    asyncio.run(main())


def test_the_end_of_the_sidecar_is_an_error(folder: Path) -> None:
    place = folder / "restarted"
    place.mkdir()

    async def main() -> None:
        with running(place) as address:
            environment = CofferdamEnvironment(address)
            await environment.initialize()
        with pytest.raises(UnreachableError) as error:
            await environment.execute("true")
        assert error.value.retryable
        with running(place):
            with pytest.raises(GoneError, match="open another"):
                await environment.execute("true")
            await environment.initialize()
            assert (await environment.execute("true")).exit_code == 0
            await environment.close()

    asyncio.run(main())


def test_the_example_of_the_documentation_works(sidecar: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFERDAM_URL", sidecar)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/adk.md").read_text(), re.DOTALL)
    (example,) = (text for text in examples if "CofferdamEnvironment" in text)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own documentation
    agent: LlmAgent = names["agent"]
    agent.model = ScriptedModel(answers=[[("Execute", {"command": "echo $((6 * 7))"})], "It is 42."])
    assert send(*new_runner(agent)) == [{"status": "ok", "stdout": "42\n"}]
    for tool in agent.tools:
        assert isinstance(tool, EnvironmentToolset)
        asyncio.run(tool.close())
