"""The code executor for google-adk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from google.adk.code_executors.base_code_executor import BaseCodeExecutor
from google.adk.code_executors.code_execution_utils import CodeExecutionInput, CodeExecutionResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator, model_validator

from . import api, cancellation, component, files, gke_results, quantity, request, results, wire
from .errors import SandboxError
from .sidecar import SidecarProcess

if TYPE_CHECKING:
    from google.adk.agents.invocation_context import InvocationContext

# The default ceilings of a sidecar: an execution without limits ends within them.
_MAX_RUN_SECONDS = 3600
_MAX_STARTUP_SECONDS = 600
# Reading the request and writing the response take time too.
_RESPONSE_MARGIN_SECONDS = 60
# Settings of the sidecar process that this executor starts. The operator of a running sidecar has set them.
_SIDECAR_SETTINGS = {
    "backend", "cpu_requested", "kubeconfig_context", "kubeconfig_path", "mem_requested", "namespace", "program"
}  # fmt: skip
_SANDBOX_MODE = {"sandbox_gateway_name", "sandbox_template"}


class CofferdamCodeExecutor(BaseCodeExecutor):
    """Executes each program in a new gVisor sandbox, on this machine or in a cluster.

    Takes the arguments of `GkeCodeExecutor`, in its order and with its defaults, and some more. A program that fails is a
    result. A program that could not be executed raises SandboxError. `docs/adk.md` describes results and errors.

    Explicit arguments become limits of each request, or settings of the sidecar that the executor starts. For all others, the
    settings of the sidecar apply (`cofferdam.toml`, `COFFERDAM_*`), which have the same defaults.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    namespace: str = Field(default="default", frozen=True)
    """The namespace of the sandboxes in a cluster."""
    image: str = Field(default="python:3.11-slim", frozen=True)
    """The image of sandboxes in a cluster, and of sandboxes on this machine if it is set. A running sidecar gets it with each
    request, and its operator has to allow it."""
    timeout_seconds: int = Field(default=300, gt=0)
    """The run time of a program, from its start to its end."""
    executor_type: Literal["job"] = Field(default="job", frozen=True)
    """Accepted for compatibility; there is no other."""
    cpu_requested: str = Field(default="200m", frozen=True)
    """The CPU request of a Pod."""
    mem_requested: str = Field(default="256Mi", frozen=True)
    """The memory request of a Pod."""
    cpu_limit: str = "500m"
    """The CPU limit; a program that wants more is slowed down. On this machine all processors, unless set."""
    mem_limit: str = "512Mi"
    """The memory limit of all processes of a program together."""
    kubeconfig_path: str | None = Field(default=None, frozen=True)
    """The kubeconfig file."""
    kubeconfig_context: str | None = Field(default=None, frozen=True)
    """The context of that file, or of the user's own kubeconfig."""

    stateful: bool = Field(default=False, frozen=True)
    """Always false: an execution leaves nothing for the next one."""
    optimize_data_file: bool = False
    """Whether the flow extracts CSV files from messages and explores them with pandas, which the sandbox must then have."""

    startup_timeout_seconds: int | None = Field(default=None, gt=0)
    """The start-up time: queueing, scheduling, pulling, starting a node. None: that of the sidecar, 60."""
    output_limit: str = "256Ki"
    """Bytes kept of stdout and of stderr, each. The middle of a longer stream is cut out and marked."""
    collect: list[str] = Field(default=["**"])
    """Glob patterns of files in the working directory that become `output_files`. All of them, unless set."""
    results: Literal["cofferdam", "gke"] = "cofferdam"
    """`gke` gives results and failures the strings of GkeCodeExecutor."""
    sidecar: str | None = Field(default=None, frozen=True)
    """A running sidecar: `http://HOST:PORT`, `https://…` or `unix:PATH`. None: the executor starts one for this process."""
    token: SecretStr | None = Field(default=None, frozen=True)
    """The bearer token of that sidecar."""
    backend: Literal["auto", "local", "kubernetes"] = Field(default="auto", frozen=True)
    """Where sandboxes are created. `auto` is Kubernetes inside a cluster, or with a kubeconfig or a context."""
    program: str = Field(default="cofferdam", frozen=True)
    """The program that the executor starts as its sidecar: a name in PATH, or a path."""

    _process: SidecarProcess | None = PrivateAttr(default=None)
    _address: api.Address | None = PrivateAttr(default=None)

    def __init__(
        self,
        kubeconfig_path: str | None = None,
        kubeconfig_context: str | None = None,
        **data: Any,
    ) -> None:
        """Validates the arguments; starts nothing. Raises pydantic's ValidationError, which names the invalid argument."""
        named = {"kubeconfig_path": kubeconfig_path, "kubeconfig_context": kubeconfig_context}
        super().__init__(**{name: value for name, value in named.items() if value is not None}, **data)

    @model_validator(mode="before")
    @classmethod
    def _refuse_sandbox_mode(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("executor_type") == "sandbox" or _SANDBOX_MODE & data.keys():
            raise ValueError("there is no sandbox mode: leave out executor_type, sandbox_gateway_name and sandbox_template")
        return data

    @field_validator("stateful")
    @classmethod
    def _refuse_stateful(cls, value: bool) -> bool:
        if value:
            raise ValueError("state is not supported: each program has a new sandbox, which is deleted after it")
        return value

    @field_validator("mem_requested", "mem_limit", "output_limit")
    @classmethod
    def _check_bytes(cls, value: str) -> str:
        quantity.to_bytes(value)
        return value

    @field_validator("cpu_requested", "cpu_limit")
    @classmethod
    def _check_cpu(cls, value: str) -> str:
        quantity.to_millis(value)
        return value

    @field_validator("sidecar")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        if value is not None:
            api.Address.parse(value)
        return value

    @model_validator(mode="after")
    def _check_sidecar(self) -> CofferdamCodeExecutor:
        refused = sorted(_SIDECAR_SETTINGS & self.model_fields_set)
        if self.sidecar is not None and refused:
            raise ValueError(f"the operator of the sidecar sets {', '.join(refused)}: leave out these arguments, or `sidecar`")
        if self.sidecar is None and self.token is not None:
            raise ValueError("`token` needs `sidecar`, the address of a running sidecar")
        if self.backend == "local" and (self.kubeconfig_path or self.kubeconfig_context):
            raise ValueError("a kubeconfig or a context needs the backend kubernetes")
        return self

    def model_post_init(self, context: Any, /) -> None:
        """Creates what all executions share."""
        super().model_post_init(context)
        if self.sidecar is not None:
            self._address = api.Address.parse(self.sidecar)
        else:
            self._process = SidecarProcess(self.program, self._arguments(), self._settings())

    def _arguments(self) -> list[str]:
        options = {
            "--backend": self.backend if "backend" in self.model_fields_set else None,
            "--kubeconfig": self.kubeconfig_path,
            "--context": self.kubeconfig_context,
        }
        return [f"{option}={value}" for option, value in options.items() if value is not None]

    def _settings(self) -> dict[str, str]:
        # Quotes make the value a string, whatever it looks like.
        return {
            f"COFFERDAM_{name.upper()}": f'"{getattr(self, name)}"'
            for name in ("namespace", "image", "cpu_requested", "mem_requested")
            if name in self.model_fields_set
        }

    @property
    def execute_code(self) -> Callable[[InvocationContext, CodeExecutionInput], CodeExecutionResult]:
        """The method of a code executor: `execute_code(invocation_context, code_execution_input)`.

        Blocks until the program has ended. Thread-safe. It is a property because the flow reads it on its event loop and calls
        it in a thread: reading it finds the task whose cancellation cancels the execution.
        """
        return functools.partial(self._execute, cancellation.of_current_task())

    def close(self) -> None:
        """Stops the sidecar that the executor has started, if any. The next execution starts another one."""
        if self._process is not None:
            self._process.stop()

    def _execute(
        self,
        cancelled: cancellation.Cancellation,
        invocation_context: InvocationContext,
        code_execution_input: CodeExecutionInput,
    ) -> CodeExecutionResult:
        try:
            run, returned = self._run(cancelled, invocation_context, code_execution_input)
        except SandboxError as error:
            if self.results == "gke":
                return gke_results.of_error(error)
            raise
        if self.results == "gke":
            return gke_results.of_run(run, returned, self.timeout_seconds)
        return results.of_run(run, returned)

    def _run(
        self, cancelled: cancellation.Cancellation, context: InvocationContext, given: CodeExecutionInput
    ) -> tuple[component.Run, dict[str, bytes]]:
        if not isinstance(given, CodeExecutionInput):
            raise SandboxError("invalid-request", f"code_execution_input is a {type(given).__name__}, not a CodeExecutionInput")
        # The bytes of files bypass the component: wasmtime's Python makes an object of each byte.
        inputs = files.contents(given.input_files)
        record = request.request(given.code, inputs, self.collect, self._limits(), context)
        returned: dict[str, bytes] = {}

        def sandbox(checked: Any) -> SimpleNamespace:
            address = self._address or self._process_address()
            token = self.token.get_secret_value() if self.token is not None else None
            body = wire.request_body(checked, inputs, self._chosen_image())
            outcome = api.execute(address, token, body, self._response_timeout(), cancelled)
            try:
                report, found = wire.report(outcome)
            except ValueError as error:
                raise SandboxError("unreachable", "the sidecar's response is not an outcome") from error
            returned.update(found)
            return report

        return component.execute(record, sandbox), returned

    def _process_address(self) -> api.Address:
        if self._process is None:
            raise SandboxError("internal", "there is no sidecar")
        return self._process.address()

    def _chosen_image(self) -> str | None:
        """The image of a request. A sidecar that the executor starts has it as a setting."""
        return self.image if self.sidecar is not None and "image" in self.model_fields_set else None

    def _limits(self) -> dict[str, int]:
        asked = self.model_fields_set
        limits = {"output-bytes": quantity.to_bytes(self.output_limit)}
        if "timeout_seconds" in asked:
            limits["wall-time-ms"] = self.timeout_seconds * 1000
        if self.startup_timeout_seconds is not None:
            limits["startup-time-ms"] = self.startup_timeout_seconds * 1000
        if "cpu_limit" in asked:
            limits["cpu-millis"] = quantity.to_millis(self.cpu_limit)
        if "mem_limit" in asked:
            limits["memory-bytes"] = quantity.to_bytes(self.mem_limit)
        return limits

    def _response_timeout(self) -> float:
        """Seconds until a response must have come."""
        run = self.timeout_seconds if "timeout_seconds" in self.model_fields_set else _MAX_RUN_SECONDS
        return run + (self.startup_timeout_seconds or _MAX_STARTUP_SECONDS) + _RESPONSE_MARGIN_SECONDS
