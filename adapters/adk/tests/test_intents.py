"""The intents of google-adk's tests of GkeCodeExecutor, in their order, with real sandboxes instead of mocks."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import MAKE, Cluster, await_that
from flow import execute
from google.adk.code_executors import GkeCodeExecutor
from google.adk.code_executors.code_execution_utils import CodeExecutionResult
from pydantic import ValidationError

from cofferdam_adk import CofferdamCodeExecutor, SandboxError


def test_init_defaults(make: MAKE) -> None:
    executor, original = make(), GkeCodeExecutor.model_fields
    theirs = {name: field.default for name, field in original.items() if name in CofferdamCodeExecutor.model_fields}
    assert {name: getattr(executor, name) for name in theirs} == theirs
    assert original.keys() - theirs.keys() == {"sandbox_gateway_name", "sandbox_template"}


def test_init_with_overrides(make: MAKE) -> None:
    executor = make(namespace="test-ns", image="custom:latest", timeout_seconds=60, cpu_limit="1000m", executor_type="job")
    assert (executor.namespace, executor.image, executor.timeout_seconds) == ("test-ns", "custom:latest", 60)
    assert executor.cpu_limit == "1000m"


def test_init_backward_compatibility(make: MAKE) -> None:
    options = {"namespace": "n", "image": "i", "timeout_seconds": 100, "cpu_requested": "100m", "mem_requested": "128Mi"}
    executor = make("/path", "context", **options, cpu_limit="200m", mem_limit="256Mi")
    assert (executor.kubeconfig_path, executor.kubeconfig_context) == ("/path", "context")
    assert {name: getattr(executor, name) for name in options} == options


def test_init_partial_positional_args(make: MAKE) -> None:
    executor = make("/path")
    assert (executor.kubeconfig_path, executor.kubeconfig_context) == ("/path", None)


def test_init_mixed_args(make: MAKE) -> None:
    executor = make("/path", kubeconfig_context="context", namespace="n")
    assert (executor.kubeconfig_path, executor.kubeconfig_context, executor.namespace) == ("/path", "context", "n")


def test_init_sandbox_missing_dependency(make: MAKE) -> None:
    with pytest.raises(ValidationError, match="there is no sandbox mode"):
        make(executor_type="sandbox")


def strings(result: CodeExecutionResult) -> tuple[str, str, int | None]:
    return result.stdout, result.stderr, result.exit_code


def test_execute_code_success(make: MAKE) -> None:
    for results in ("gke", "cofferdam"):
        assert strings(execute(make(results=results), "print('hello world')")) == ("hello world\n", "", 0)


FAILING = "import sys\nprint('before')\nprint('why', file=sys.stderr)\nsys.exit(2)"


def test_execute_code_job_failed(make: MAKE) -> None:
    assert strings(execute(make(results="gke"), FAILING)) == ("", "Job failed. Logs:\nwhy\nbefore\n", 2)
    rendered = "exit code: 2\nstdout (7 bytes):\n```\nbefore\n```\nstderr (4 bytes):\n```\nwhy\n```\n"
    assert strings(execute(make(), FAILING)) == ("before\n", rendered, 2)


def test_execute_code_job_failed_without_terminated_container(make: MAKE) -> None:
    """A program that was killed has an exit code and a status too."""
    for code, exit_code, told in [
        ("import os\nos.kill(os.getpid(), 11)", 139, "killed by signal 11\nno output\n"),
        ("x = bytearray(1 << 30)", 137, "killed: memory limit exceeded\nno output\n"),
    ]:
        assert strings(execute(make(mem_limit="64Mi"), code)) == ("", told, exit_code)


def test_execute_code_api_exception(make: MAKE, place: Path) -> None:
    """A refused request is a reason in the original's strings, or an exception that names it."""
    with pytest.raises(SandboxError, match="above the operator's ceiling"):
        execute(make(mem_limit="100Gi"), "print(1)")
    refused = execute(make(mem_limit="100Gi", results="gke"), "print(1)")
    assert strings(refused) == ("", "Kubernetes API error: Forbidden", None)
    unreachable = execute(make(sidecar=f"unix:{place}/none", results="gke"), "print(1)")
    assert unreachable.stderr.startswith("An unexpected executor error occurred: the sidecar cannot be reached")


def test_execute_code_timeout(make: MAKE) -> None:
    code = "print('so far')\nwhile True: pass"
    _, stderr, exit_code = strings(execute(make(timeout_seconds=1, results="gke"), code))
    assert stderr.startswith("Executor timed out: Job 'run-")
    assert stderr.endswith("' did not complete within 1s.\n\nPod Logs:\nso far\n")
    assert exit_code is None
    told = "killed: time limit exceeded\nstdout (7 bytes):\n```\nso far\n```\n"
    assert strings(execute(make(timeout_seconds=1), code)) == ("so far\n", told, 124)


def test_create_job_manifest_structure(make: MAKE, cluster: Cluster) -> None:
    """Inspects the Job while it exists, and the sandbox from inside."""
    code = "import os, sys\nprint(os.getuid(), os.path.exists('/var/run/secrets/kubernetes.io'), os.uname().release)\n"
    code += "open('/usr/x', 'w')"
    with ThreadPoolExecutor() as threads:
        running = threads.submit(execute, make(**cluster.options), f"import time\ntime.sleep(2)\n{code}")
        await_that(lambda: bool(cluster.batch.list_namespaced_job(cluster.namespace).items) or running.done())
        jobs: list[Any] = cluster.batch.list_namespaced_job(cluster.namespace).items
        result = running.result()
    (job,) = jobs
    pod = job.spec.template.spec
    assert (job.spec.backoff_limit, pod.restart_policy, pod.runtime_class_name) == (0, "Never", "gvisor")
    assert pod.automount_service_account_token is False
    assert [toleration.value for toleration in pod.tolerations if toleration.key == "sandbox.gke.io/runtime"] == ["gvisor"]
    (container,) = pod.containers
    context = container.security_context
    assert (container.image, context.run_as_non_root, context.run_as_user) == ("python:3.11-slim", True, 1001)
    assert (context.allow_privilege_escalation, context.read_only_root_filesystem) == (False, True)
    assert context.capabilities.drop == ["ALL"]
    assert result.stdout == "1001 False 4.19.0-gvisor\n"
    assert "PermissionError" in result.stderr


def test_execute_code_forks_to_sandbox(make: MAKE) -> None:
    """There are two modes here too: a sidecar that the executor starts, and a running one."""
    command = ["cofferdam", "serve", "--listen", "unix:s", "--until-stdin-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        executor = make(sidecar="unix:s")
        assert execute(executor, "print(1)").stdout == "1\n"
        assert executor._process is None


def test_execute_code_sandbox_connection_error(make: MAKE) -> None:
    with pytest.raises(SandboxError, match="cannot be reached"):
        execute(make(sidecar="unix:/none"), "print(1)")


def test_execute_code_sandbox_runtime_error(make: MAKE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFERDAM_RUNSC", "/bin/false")
    for results in ("gke", "cofferdam"):
        with pytest.raises(RuntimeError, match="sandbox-unavailable"):
            execute(make(results=results), "print(1)")


def test_execute_code_sandbox_timeout_error(make: MAKE, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that takes too long to start is not reported as a program that takes too long."""
    monkeypatch.setenv("COFFERDAM_STARTUP_TIMEOUT_SECONDS", "0.01")
    with pytest.raises(SandboxError) as raised:
        execute(make(), "print(1)")
    assert (raised.value.code, raised.value.retryable) == ("startup-timeout", True)


def test_execute_code_forks_to_job(make: MAKE, cluster: Cluster) -> None:
    result = execute(make(cluster.kubeconfig, namespace=cluster.namespace, results="gke"), "print('job')")
    assert strings(result) == ("job\n", "", 0)


def test_execute_in_sandbox_returns_stderr(make: MAKE) -> None:
    """The outcome has both streams, separate and exact. The flow gets no stderr of a program that succeeded."""
    result = execute(make(), "import sys\nprint('out', end='')\nprint('a warning', file=sys.stderr)")
    assert strings(result) == ("out\n[stderr]\na warning\n", "", 0)
    outcome = result.outcome  # type: ignore[attr-defined]
    assert (outcome.stdout.text, outcome.stderr.text) == ("out", "a warning\n")
