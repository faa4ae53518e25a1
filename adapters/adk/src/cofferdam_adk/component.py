"""The host of the component: it supplies the one function that the component imports.

All calls share the engine, the compiled component and the linker. Each call has its own store, so threads can call in parallel.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component, ExportIndex, Instance, Linker, Variant

from .errors import SandboxError

_SANDBOX = "cofferdam:code-executor/sandbox@0.1.0"
_INTERFACE = "cofferdam:code-executor/code-executor@0.1.0"
_FILE = "code-executor.wasm"
_loading = threading.Lock()
# The component calls its import in the thread that called the component.
_current = threading.local()


@dataclass(frozen=True)
class Run:
    """An execution that has ended."""

    outcome: Any
    """The contract's `outcome`, as a wasmtime record."""
    rendered: str
    """A summary of it for a model."""


@dataclass(frozen=True)
class _Loaded:
    engine: Engine
    component: Component
    linker: Linker


class _Call:
    def __init__(self, sandbox: Callable[[Any], SimpleNamespace]) -> None:
        self.sandbox = sandbox
        self.raised: BaseException | None = None


def execute(request: SimpleNamespace, sandbox: Callable[[Any], SimpleNamespace]) -> Run:
    """Calls the component with a request; the component calls `sandbox`. Raises what `sandbox` raises, or SandboxError."""
    loaded = _load()
    call = _Call(sandbox)
    _current.call = call
    try:
        store = Store(loaded.engine)
        instance = loaded.linker.instantiate(store, loaded.component)
        result = _function(store, instance, "execute")(store, request)
        if call.raised is not None:
            raise call.raised
        if result.tag == "err":
            error = result.payload
            raise SandboxError(error.code, error.message, retryable=error.retryable, run_id=error.id)
        return Run(result.payload, _function(store, instance, "render")(store, result.payload))
    except WasmtimeError as error:
        raise SandboxError("internal", "the component failed") from error
    finally:
        del _current.call


def _function(store: Store, instance: Instance, name: str) -> Callable[..., Any]:
    interface = instance.get_export_index(store, _INTERFACE)
    index: ExportIndex | None = instance.get_export_index(store, name, interface)
    function = instance.get_func(store, index) if index is not None else None
    if function is None:
        raise SandboxError("internal", f"the component has no function {name!r}")
    return function


def _import(_store: object, request: Any) -> Variant:
    call: _Call = _current.call
    try:
        return Variant("ok", call.sandbox(request))
    except BaseException as error:
        call.raised = error
        return Variant("err", SimpleNamespace(id=None, code="internal", message="see the host", retryable=False))


def _load() -> _Loaded:
    with _loading:
        return _load_once()


@cache
def _load_once() -> _Loaded:
    engine = Engine()
    component = Component(engine, files(__package__).joinpath(_FILE).read_bytes())
    linker = Linker(engine)
    with linker.root() as root, root.add_instance(_SANDBOX) as sandbox:
        sandbox.add_func("run", _import)
    return _Loaded(engine, component, linker)
