"""google-adk's agent, runner and services, around a scripted model."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.artifacts import InMemoryArtifactService
from google.adk.code_executors.base_code_executor import BaseCodeExecutor
from google.adk.code_executors.code_execution_utils import CodeExecutionInput, CodeExecutionResult, File
from google.adk.events import Event
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from pydantic import PrivateAttr

APP = "tests"
USER = "somebody"
SESSION = "s-1"


class ScriptedModel(BaseLlm):
    """Returns one text after another, whatever the request, and records the requests."""

    model: str = "scripted"
    texts: list[str]
    _asked: list[LlmRequest] = PrivateAttr(default_factory=list)

    async def generate_content_async(self, llm_request: LlmRequest, stream: bool = False) -> AsyncGenerator[LlmResponse, None]:
        assert not stream
        self._asked.append(llm_request.model_copy(deep=True))
        text = self.texts[len(self._asked) - 1]
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text=text)]))

    @property
    def asked(self) -> list[str]:
        """The text of each request's last content: the part of a result that a model reads."""
        last = [request.contents[-1].parts or [] for request in self._asked]
        return ["".join(part.text or "" for part in parts) for parts in last]


class Conversation:
    """An agent with a runner, and its events."""

    def __init__(self, executor: BaseCodeExecutor, texts: Sequence[str], agent: LlmAgent | None = None) -> None:
        self.model = ScriptedModel(texts=list(texts))
        self.agent = agent or LlmAgent(name="coder", code_executor=executor)
        self.agent.model = self.model
        self.artifacts = InMemoryArtifactService()
        self.events: list[Event] = []

    async def run(self, *parts: types.Part) -> None:
        """Sends one message of a user, and collects the events until the agent has finished."""
        sessions = InMemorySessionService()
        await sessions.create_session(app_name=APP, user_id=USER, session_id=SESSION)
        runner = Runner(app_name=APP, agent=self.agent, session_service=sessions, artifact_service=self.artifacts)
        message = types.Content(role="user", parts=list(parts) or [types.Part(text="go")])
        async for event in runner.run_async(user_id=USER, session_id=SESSION, new_message=message):
            self.events.append(event)

    @property
    def results(self) -> list[types.CodeExecutionResult]:
        """The results of the programs, in order."""
        parts = [part for event in self.events for part in (event.content and event.content.parts) or []]
        return [part.code_execution_result for part in parts if part.code_execution_result is not None]

    @property
    def answer(self) -> str:
        """The agent's last text."""
        parts = [part for event in self.events for part in (event.content and event.content.parts) or []]
        return parts[-1].text or ""


def converse(executor: BaseCodeExecutor, *texts: str, parts: Sequence[types.Part] = ()) -> Conversation:
    """Runs a conversation to its end."""
    conversation = Conversation(executor, texts)
    asyncio.run(conversation.run(*parts))
    return conversation


def program(code: str) -> str:
    """A program, as a model writes it."""
    return f"I shall run this:\n```python\n{code}\n```\n"


def execute(executor: BaseCodeExecutor, code: Any, *files: File, context: Any = None) -> CodeExecutionResult:
    """Executes a program without an agent."""
    call: Callable[..., CodeExecutionResult] = executor.execute_code
    return call(context, CodeExecutionInput(code=code, input_files=list(files)))
