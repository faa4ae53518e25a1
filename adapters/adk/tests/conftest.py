"""Folders, executors and a cluster for tests. Everything is real except the model, which returns the texts of a test."""

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from cofferdam_adk import CofferdamCodeExecutor

ROOT = Path(__file__).parents[3]
MAKE = Callable[..., CofferdamCodeExecutor]


def runs(place: Path) -> set[str]:
    """The executions that run, or have left something behind."""
    return {path.stem for path in (place / "state").iterdir() if path.name != "gate"}


def await_that(what: Callable[[], bool]) -> None:
    """Polls: a test cannot await the event of another process."""
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new folder with the settings of the test. Nothing may be left in it at the end."""
    memory = Path("/dev/shm")  # noqa: S108 - where runs are kept by default
    with tempfile.TemporaryDirectory(prefix="cofferdam-test-", dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder)
        for name in ("runtime", "state", "config"):
            (path / name).mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(path / "runtime"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(path / "config"))
        monkeypatch.setenv("COFFERDAM_STATE_DIR", str(path / "state"))
        # A prewarmed sandbox would look like an execution; one test covers prewarming.
        monkeypatch.setenv("COFFERDAM_POOL__MAXIMUM", "0")
        monkeypatch.setenv("PATH", f"{ROOT / 'target/release'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.chdir(path)
        yield path
        assert sorted((path / "runtime").iterdir()) == [], "a sidecar's socket is left"
        assert not runs(path), "a run is left"


@pytest.fixture
def make(place: Path) -> Iterator[MAKE]:  # noqa: ARG001 - executors end before their place does
    """Creates executors, and closes them at the end."""
    made: list[CofferdamCodeExecutor] = []

    def make(*args: Any, **options: Any) -> CofferdamCodeExecutor:
        made.append(CofferdamCodeExecutor(*args, **options))
        return made[-1]

    yield make
    for executor in made:
        executor.close()


class Cluster:
    """A namespace from `cofferdam manifests`, in the cluster of KUBECONFIG."""

    def __init__(self, kubeconfig: str) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = f"cofferdam-test-{uuid.uuid4().hex[:8]}"
        client = kubernetes.config.new_client_from_config(kubeconfig)
        self.core = kubernetes.client.CoreV1Api(client)
        self.batch = kubernetes.client.BatchV1Api(client)
        command = [str(ROOT / "target/release/cofferdam"), "manifests", "--namespace", self.namespace]
        with tempfile.NamedTemporaryFile() as manifests:
            subprocess.run(command, check=True, stdout=manifests)
            kubernetes.utils.create_from_yaml(client, manifests.name)

    @property
    def options(self) -> dict[str, str]:
        """The options of an executor."""
        return {"kubeconfig_path": self.kubeconfig, "namespace": self.namespace}

    def left(self) -> list[str]:
        """The names of objects that executions have left, except the runner's ConfigMap, which stays."""
        found: list[Any] = [
            *self.batch.list_namespaced_job(self.namespace).items,
            *self.core.list_namespaced_pod(self.namespace).items,
            *self.core.list_namespaced_config_map(self.namespace, label_selector="cofferdam.dev/run").items,
        ]
        return [item.metadata.name for item in found if item.metadata.deletion_timestamp is None]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster. Without one, tests that need it are skipped."""
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        pytest.skip("KUBECONFIG names no cluster")
    cluster = Cluster(kubeconfig)
    yield cluster
    left = cluster.left()
    cluster.core.delete_namespace(cluster.namespace)
    assert left == []


@pytest.fixture(params=["local", "cluster"])
def backend(request: pytest.FixtureRequest) -> dict[str, str]:
    """The options of an executor on this machine, and in the cluster."""
    if request.param == "local":
        return {"backend": "local"}
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.options
