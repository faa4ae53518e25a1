"""The executor: google-adk's side of the component."""

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
from .sidecar import OwnSidecar

if TYPE_CHECKING:
    from google.adk.agents.invocation_context import InvocationContext

# The ceilings that a sidecar has by default, for who asks for nothing.
_LONGEST_RUN = 3600
_LONGEST_START = 600
# Reading a request and writing an answer take their time too.
_MARGIN = 60
# What a sidecar of our own is told, and one that is named has been told by its operator.
_OF_THE_SIDECAR = {
    "backend", "cpu_requested", "image", "kubeconfig_context", "kubeconfig_path", "mem_requested", "namespace", "program"
}  # fmt: skip
_SANDBOX_MODE = {"sandbox_gateway_name", "sandbox_template"}


class CofferdamCodeExecutor(BaseCodeExecutor):
    """Runs each program in a gVisor sandbox of its own, on this machine or in a cluster.

    Takes the arguments of `GkeCodeExecutor`, in its order and with its defaults, and some of its own. A program that fails is a
    result; SandboxError is raised for one that was not run. `docs/adk.md` says what becomes of what.

    What is set explicitly is asked for in each run, or made a setting of the sidecar's own; for the rest, the settings of the
    sidecar hold (`cofferdam.toml`, `COFFERDAM_*`), which have the same defaults.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    namespace: str = Field(default="default", frozen=True)
    """The namespace of the cluster that runs are made in."""
    image: str = Field(default="python:3.11-slim", frozen=True)
    """The image of sandboxes in a cluster."""
    timeout_seconds: int = Field(default=300, gt=0)
    """The program's time, from its start to its end."""
    executor_type: Literal["job"] = Field(default="job", frozen=True)
    """Taken for the sake of callers that say so; there is no other."""
    cpu_requested: str = Field(default="200m", frozen=True)
    """Processors that a node must have left."""
    mem_requested: str = Field(default="256Mi", frozen=True)
    """Memory that a node must have left."""
    cpu_limit: str = "500m"
    """Processors; a program that wants more is slowed down. On this machine as many as there are, unless set."""
    mem_limit: str = "512Mi"
    """Memory of all processes of a program together."""
    kubeconfig_path: str | None = Field(default=None, frozen=True)
    """The file with the way to the cluster."""
    kubeconfig_context: str | None = Field(default=None, frozen=True)
    """Its context, or that of the user's own file."""

    stateful: bool = Field(default=False, frozen=True)
    """Always false: nothing of a run is there in the next."""
    optimize_data_file: bool = False
    """Whether the flow takes CSV files out of messages and explores them with pandas, which the sandbox must then have."""

    startup_timeout_seconds: int | None = Field(default=None, gt=0)
    """Time until a program must have started: for scheduling, pulling, starting a node. None: the sidecar's, 60."""
    output_limit: str = "256Ki"
    """Bytes of stdout and of stderr, each, that are kept; beyond it the middle is cut out, and marked."""
    collect: list[str] = Field(default=["**"])
    """Files that become `output_files`, as glob patterns of the work directory. All of them, unless set."""
    results: Literal["cofferdam", "gke"] = "cofferdam"
    """`gke` gives results, and failures, the strings that GkeCodeExecutor gives them."""
    sidecar: str | None = Field(default=None, frozen=True)
    """A sidecar that runs: `http://HOST:PORT`, `https://…` or `unix:PATH`. None: one is started, and ends with this process."""
    token: SecretStr | None = Field(default=None, frozen=True)
    """The bearer token of that sidecar."""
    backend: Literal["auto", "local", "kubernetes"] = Field(default="auto", frozen=True)
    """Where the sidecar's own runs are made; `auto` is a cluster where this runs in one, or the way to one is named."""
    program: str = Field(default="cofferdam", frozen=True)
    """The program that a sidecar of one's own is, in PATH or by its path."""

    _own: OwnSidecar | None = PrivateAttr(default=None)
    _address: api.Address | None = PrivateAttr(default=None)

    def __init__(
        self,
        kubeconfig_path: str | None = None,
        kubeconfig_context: str | None = None,
        **data: Any,
    ) -> None:
        """Checks what it is given; starts nothing. Raises pydantic's ValidationError, naming the argument that is wrong."""
        named = {"kubeconfig_path": kubeconfig_path, "kubeconfig_context": kubeconfig_context}
        super().__init__(**{name: value for name, value in named.items() if value is not None}, **data)

    @model_validator(mode="before")
    @classmethod
    def _refuse_sandbox_mode(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("executor_type") == "sandbox" or _SANDBOX_MODE & data.keys():
            raise ValueError(
                "there is no sandbox mode, which needs a controller of its own in the cluster: leave out executor_type,"
                " sandbox_gateway_name and sandbox_template"
            )
        return data

    @field_validator("stateful")
    @classmethod
    def _refuse_stateful(cls, value: bool) -> bool:
        if value:
            raise ValueError("each program has a sandbox of its own, and nothing of it is there in the next")
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
        of_the_other = sorted(_OF_THE_SIDECAR & self.model_fields_set)
        if self.sidecar is not None and of_the_other:
            raise ValueError(f"the sidecar that is named has settings of its own for {', '.join(of_the_other)}")
        if self.sidecar is None and self.token is not None:
            raise ValueError("the token is for a sidecar that is named")
        if self.backend == "local" and (self.kubeconfig_path or self.kubeconfig_context):
            raise ValueError("a kubeconfig is for the backend kubernetes")
        return self

    def model_post_init(self, context: Any, /) -> None:
        """Makes what is shared between runs."""
        super().model_post_init(context)
        if self.sidecar is not None:
            self._address = api.Address.parse(self.sidecar)
        else:
            self._own = OwnSidecar(self.program, self._arguments(), self._settings())

    def _arguments(self) -> list[str]:
        options = {
            "--backend": self.backend if "backend" in self.model_fields_set else None,
            "--kubeconfig": self.kubeconfig_path,
            "--context": self.kubeconfig_context,
        }
        return [f"{option}={value}" for option, value in options.items() if value is not None]

    def _settings(self) -> dict[str, str]:
        # In quotes, a text is taken for nothing else.
        return {
            f"COFFERDAM_{name.upper()}": f'"{getattr(self, name)}"'
            for name in ("namespace", "image", "cpu_requested", "mem_requested")
            if name in self.model_fields_set
        }

    @property
    def execute_code(self) -> Callable[[InvocationContext, CodeExecutionInput], CodeExecutionResult]:
        """The method of a code executor: `execute_code(invocation_context, code_execution_input)`.

        Blocks until the program has ended, safe from many threads. A property, because the flow takes it on its event loop and
        calls it in a thread: so it knows the task whose cancellation is that of the run.
        """
        return functools.partial(self._execute, cancellation.of_current_task())

    def close(self) -> None:
        """Ends the sidecar that was started, if one was; the next run starts another one."""
        if self._own is not None:
            self._own.stop()

    def _execute(
        self,
        cancelled: cancellation.Cancellation,
        invocation_context: InvocationContext,
        code_execution_input: CodeExecutionInput,
    ) -> CodeExecutionResult:
        try:
            run, brought_back = self._run(cancelled, invocation_context, code_execution_input)
        except SandboxError as error:
            if self.results == "gke":
                return gke_results.of_error(error)
            raise
        if self.results == "gke":
            return gke_results.of_run(run, brought_back, self.timeout_seconds)
        return results.of_run(run, brought_back)

    def _run(
        self, cancelled: cancellation.Cancellation, context: InvocationContext, given: CodeExecutionInput
    ) -> tuple[component.Run, dict[str, bytes]]:
        if not isinstance(given, CodeExecutionInput):
            raise SandboxError("invalid-request", f"a CodeExecutionInput is needed, not a {type(given).__name__}")
        # The bytes of files go past the component: wasmtime's Python makes an object of each.
        laid_in = files.contents(given.input_files)
        asked = request.request(given.code, laid_in, self.collect, self._limits(), context)
        brought_back: dict[str, bytes] = {}

        def sandbox(checked: Any) -> SimpleNamespace:
            address = self._address or self._own_address()
            token = self.token.get_secret_value() if self.token is not None else None
            body = wire.request_body(checked, laid_in)
            outcome = api.run(address, token, body, self._patience(), cancelled)
            try:
                report, found = wire.report(outcome)
            except ValueError as error:
                raise SandboxError("unreachable", "the sidecar's answer is no outcome") from error
            brought_back.update(found)
            return report

        return component.execute(asked, sandbox), brought_back

    def _own_address(self) -> api.Address:
        if self._own is None:
            raise SandboxError("internal", "there is no sidecar")
        return self._own.address()

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

    def _patience(self) -> float:
        """Seconds that an answer may take."""
        run = self.timeout_seconds if "timeout_seconds" in self.model_fields_set else _LONGEST_RUN
        return run + (self.startup_timeout_seconds or _LONGEST_START) + _MARGIN
