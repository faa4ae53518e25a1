"""Cancelling an agent cancels its execution."""

import asyncio
import re
import threading
from pathlib import Path

import pytest
from conftest import MAKE, await_that, runs
from flow import Conversation, execute, program
from google.adk.code_executors.code_execution_utils import CodeExecutionInput

from cofferdam_adk import SandboxError

ENDLESS = "while True: pass"
# Without a cancellation, a test fails in bounded time.
SECONDS = 20


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The results of executions in the sidecar's log."""
    caplog.set_level("INFO", "cofferdam_adk.sidecar")
    return caplog


def is_cancelled(log: pytest.LogCaptureFixture) -> bool:
    """Whether an execution has ended as cancelled: with a status, or with an error before its program started."""
    return re.search("(status|code)=Cancelled", log.text) is not None


async def a_run(place: Path) -> None:
    while len(runs(place)) != 1:
        await asyncio.sleep(0.02)


def test_a_cancelled_task_cancels_the_execution(make: MAKE, place: Path, log: pytest.LogCaptureFixture) -> None:
    async def cancel() -> None:
        agent = asyncio.create_task(Conversation(make(timeout_seconds=SECONDS), [program(ENDLESS)]).run())
        await a_run(place)
        agent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await agent

    # It also waits for the thread, which a run that goes on would hold.
    asyncio.run(cancel())
    await_that(lambda: is_cancelled(log))


def test_a_timeout_within_the_task_which_goes_on(make: MAKE, log: pytest.LogCaptureFixture) -> None:
    async def time_out() -> None:
        executor = make(timeout_seconds=SECONDS)
        await asyncio.to_thread(execute, executor, "print(1)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.to_thread(executor.execute_code, None, CodeExecutionInput(code=ENDLESS))  # type: ignore[arg-type]
        await asyncio.to_thread(await_that, lambda: is_cancelled(log))

    asyncio.run(time_out())


def test_one_of_two_is_cancelled_and_the_other_is_not(make: MAKE, place: Path) -> None:
    async def cancel() -> str:
        executor = make(timeout_seconds=SECONDS)
        endless = asyncio.create_task(Conversation(executor, [program(ENDLESS)]).run())
        await a_run(place)
        other = Conversation(executor, [program("import time\ntime.sleep(0.5)\nprint(7)"), "Seven."])
        running = asyncio.create_task(other.run())
        while len(runs(place)) != 2:
            await asyncio.sleep(0.02)
        endless.cancel()
        await running
        return other.results[0].output or ""

    assert asyncio.run(cancel()) == "Code execution result:\n7\n\n"


def test_a_call_on_the_event_loop_works(make: MAKE) -> None:
    async def call() -> str:
        stdout = execute(make(), "print(1)").stdout
        await asyncio.sleep(0)
        return stdout

    assert asyncio.run(call()) == "1\n"


def test_a_cancellation_before_the_call_is_honoured(make: MAKE) -> None:
    executor = make()
    call = executor.execute_code
    call.args[0].cancel()  # type: ignore[attr-defined]
    with pytest.raises(SandboxError, match="the caller cancelled") as raised:
        call(None, CodeExecutionInput(code=ENDLESS))  # type: ignore[arg-type]
    assert raised.value.code == "cancelled"
    assert threading.active_count() < 10
