"""The sidecar that an executor starts: it runs when it is needed, and ends with its process, even if that is killed."""

import copy
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import MAKE, await_that, runs
from flow import execute

from cofferdam_adk import CofferdamCodeExecutor, SandboxError

USE = """
import sys
from cofferdam_adk import CofferdamCodeExecutor
from google.adk.code_executors.code_execution_utils import CodeExecutionInput
executor = CofferdamCodeExecutor(backend="local")
print(executor.execute_code(None, CodeExecutionInput(code="print(1)")).stdout, end="", flush=True)
"""
HANG = "print(executor.execute_code(None, CodeExecutionInput(code='while True: pass')), flush=True)\n"


def is_gone(place: Path) -> bool:
    return not any((place / "runtime").iterdir()) and not runs(place)


def pid_of_sidecar(executor: CofferdamCodeExecutor) -> int:
    assert executor._process is not None
    assert executor._process._running is not None
    return executor._process._running._process.pid


def test_it_starts_with_the_first_program_and_ends_with_close(make: MAKE, place: Path) -> None:
    executor = make()
    assert is_gone(place)
    assert execute(executor, "print(1)").stdout == "1\n"
    (folder,) = (place / "runtime").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    executor.close()
    assert is_gone(place)
    assert execute(executor, "print(2)").stdout == "2\n"


def test_a_prewarmed_sandbox_ends_with_the_sidecar(make: MAKE, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COFFERDAM_POOL__MAXIMUM")
    executor = make()
    execute(executor, "print(1)")
    await_that(lambda: len(runs(place)) == 1)
    executor.close()
    assert is_gone(place)


def test_it_ends_with_its_executor(place: Path) -> None:
    executor = CofferdamCodeExecutor()
    execute(executor, "print(1)")
    copied = copy.deepcopy(executor)
    del executor
    assert execute(copied, "print(1)").stdout == "1\n"
    del copied
    assert is_gone(place)


@pytest.mark.parametrize(
    "how", ["", "raise SystemExit(3)\n", "import os\nos.kill(os.getpid(), 9)\n", "import os\nos._exit(0)\n"]
)
def test_it_ends_with_its_process(place: Path, how: str) -> None:
    output = subprocess.run([sys.executable, "-c", USE + how], capture_output=True, text=True, check=False)
    assert output.stdout == "1\n", output.stderr
    await_that(lambda: is_gone(place))


def test_it_ends_with_a_process_that_is_killed_in_the_middle_of_a_run(place: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", USE + HANG], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            await_that(lambda: len(runs(place)) == 1)
        finally:
            process.kill()
    await_that(lambda: is_gone(place))


def test_a_fork_does_not_keep_it_alive_and_starts_its_own(place: Path) -> None:
    fork = "import os\nif os.fork() == 0:\n    exec(USE)\n    raise SystemExit\nos.wait()\nexec(USE)\n"
    code = f"USE = '''{USE}'''\nexec(USE)\n{fork}".replace("executor = ", "executor = globals().get('executor') or ")
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert output.stdout == "1\n1\n1\n", output.stderr
    await_that(lambda: is_gone(place))


def test_a_killed_sidecar_is_an_error_and_the_next_execution_starts_another(make: MAKE, place: Path) -> None:
    executor = make()
    execute(executor, "print(1)")
    with ThreadPoolExecutor() as threads:
        running = threads.submit(execute, executor, "while True: pass")
        await_that(lambda: len(runs(place)) == 1)
        os.kill(pid_of_sidecar(executor), signal.SIGKILL)
        with pytest.raises(SandboxError, match="the sidecar disconnected") as raised:
            running.result()
    assert (raised.value.code, raised.value.retryable) == ("unreachable", False)
    assert execute(executor, "print(2)").stdout == "2\n"


def test_a_running_sidecar_is_used_and_not_stopped(make: MAKE, place: Path) -> None:
    token = "0123456789abcdef"  # noqa: S105 - of this sidecar alone
    (place / "token").write_text(f"agent {token}\n")
    (place / "token").chmod(0o600)
    command = ["cofferdam", "serve", "--listen", "127.0.0.1:0", "--listen", "unix:s", "--token-file", "token"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        addresses = [process.stderr.readline().split()[-1] for _ in range(2)]
        for address in addresses:
            named = make(sidecar=address, token=token)
            assert execute(named, "print(1)").stdout == "1\n"
            named.close()
            with pytest.raises(SandboxError) as raised:
                execute(make(sidecar=address), "print(1)")
            assert raised.value.code == "unauthorised"
        assert process.poll() is None
        process.terminate()


def test_a_running_sidecar_gets_the_image_with_each_request(make: MAKE, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFERDAM_ALLOWED_IMAGES", '["team/*"]')
    monkeypatch.setenv("COFFERDAM_IMAGES__DIR", str(place / "images"))
    monkeypatch.setenv("COFFERDAM_IMAGES__PULL_POLICY", "Never")
    command = ["cofferdam", "serve", "--listen", "unix:s", "--until-stdin-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        assert execute(make(sidecar="unix:s"), "print(1)").stdout == "1\n"
        for image, code in [("team/app", "image-unavailable"), ("other", "denied")]:
            with pytest.raises(SandboxError, match=image) as raised:
                execute(make(sidecar="unix:s", image=image), "print(1)")
            assert raised.value.code == code


def test_many_threads_share_it(make: MAKE) -> None:
    executor = make()
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda number: execute(executor, f"print({number})").stdout, range(12))
        assert list(results) == [f"{number}\n" for number in range(12)]


def test_its_log_goes_to_the_logger_of_the_process(make: MAKE, caplog: pytest.LogCaptureFixture) -> None:
    executor = make()
    with caplog.at_level("INFO", "cofferdam_adk.sidecar"):
        execute(executor, "print(1)")
        executor.close()
        for thread in threading.enumerate():
            if thread.name.startswith("cofferdam-log"):
                thread.join()
    assert "status=Exited(0)" in caplog.text
