"""What is deployed fits into Lambda, imports there, and holds nothing that nobody runs."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.local import deploy, tools
from tests.packaging.conftest import Package, function_names

LIMIT_MB = 250
"""Lambda's limit of function and layers together, unzipped."""
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What Lambda's runtime brings along."""
UNWANTED_FOLDERS = re.compile(r"(^|/)(tests?|notebooks?|examples)(/|$)")
UNWANTED_FILES = re.compile(
    r"(^|/)(conftest\.py|test_[^/]*\.py)$|\.(ipynb|csv|tsv|parquet|feather|pkl|pickle|joblib|dat|onnx|db|log)(\.gz)?$"
)

# The imports that handlers put off until the first event, too: a missing package must not wait for that.
IMPORT_EVERYTHING = """
import sys
from importlib.machinery import SourceFileLoader
plain = SourceFileLoader.source_to_code
def watched(self, data, path, **more):
    print("compiled", path)
    return plain(self, data, path, **more)
SourceFileLoader.source_to_code = watched
sys.path[:0] = {path!r}
assert not any("site-packages" in entry for entry in sys.path), sys.path
import handler
assert callable(handler.handler)
import {modules}
print(sys.version.split()[0], len(sys.modules))
"""
PUT_OFF = {
    "RouterFunction": ["webapp.wiring", "contender.adapters.onnx_model", "onnxruntime"],
    "DetectDriftFunction": [
        "contender.adapters.dynamo_runs",
        "contender.adapters.ecs_launcher",
        "contender.adapters.s3_objects",
        "contender.adapters.ssm_parameters",
        "contender.adapters.telemetry",
        "contender.adapters.windows_duckdb",
        "contender.domain.drift",
        "scipy.stats",
    ],
    "EvaluateFunction": [
        "contender.adapters.dynamo_experiments",
        "contender.adapters.dynamo_log_reader",
        "contender.adapters.ecs_launcher",
        "contender.adapters.s3_objects",
        "contender.adapters.ssm_parameters",
        "contender.adapters.telemetry",
        "contender.domain.lifecycle",
        "contender.experiment_settings",
        "scipy.special",
    ],
    "TaskStoppedFunction": ["contender.adapters.dynamo_runs", "contender.adapters.telemetry"],
}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in _files(folder)) / 1024**2


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Lambda's runtime brings, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        (folder / source.name).symlink_to(source)
    return folder


@pytest.mark.parametrize("name", function_names())
def test_function_and_layers_fit_into_lambda(
    packages: dict[str, Package], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {part: _megabytes(folder) for part, folder in packages[name].folders.items()}
    parts = " + ".join(f"{part} {size:.1f}" for part, size in sizes.items())
    with capsys.disabled():
        print(f"\n{name}: {sum(sizes.values()):.1f} of {LIMIT_MB} MB unzipped ({parts})")
    assert sum(sizes.values()) <= LIMIT_MB


@pytest.mark.parametrize("name", function_names())
def test_everything_it_imports_is_in_its_package_and_compiled(
    packages: dict[str, Package], name: str, runtime: Path, tmp_path: Path
) -> None:
    python = tools.interpreter(deploy.lambda_python())
    if python is None:
        pytest.skip("needs a Python 3.12, as Lambda's: its layers hold binaries of that version")
    program = IMPORT_EVERYTHING.format(
        path=[*packages[name].path, str(runtime)], modules=", ".join(PUT_OFF[name])
    )
    # -I: no environment, no working folder; -S: no site-packages. So nothing of this machine can help.
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", program],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *compiled, versions = done.stdout.splitlines()
    assert versions.startswith("3.12.")
    # What a layer holds is loaded as byte code: /opt is read-only, so no cold start could keep its own.
    layers = [f"compiled {folder}/" for folder in packages[name].layers.values()]
    assert [line for line in compiled if line.startswith(tuple(layers))] == []


def test_every_function_says_what_it_imports_later() -> None:
    assert sorted(PUT_OFF) == sorted(function_names())


@pytest.mark.parametrize("name", function_names())
def test_no_package_is_in_it_twice(packages: dict[str, Package], name: str) -> None:
    package = packages[name]
    roots = [package.code, *(folder / "python" for folder in package.layers.values())]
    found = Counter(entry.name for root in roots for entry in root.iterdir() if entry.name != "__pycache__")
    twice = {entry for entry, times in found.items() if times > 1}
    assert twice == set()
    versions = Counter(
        re.split(r"-\d", entry.name)[0].lower().replace("-", "_")
        for root in roots
        for entry in root.glob("*.dist-info")
    )
    assert {entry for entry, times in versions.items() if times > 1} == set()


@pytest.mark.parametrize("name", function_names())
def test_no_test_notebook_or_data_file_ships(packages: dict[str, Package], name: str) -> None:
    unwanted = []
    for folder in packages[name].folders.values():
        for path in _files(folder):
            inside = path.relative_to(folder).as_posix()
            if UNWANTED_FILES.search(inside) or UNWANTED_FOLDERS.search(inside.rpartition("/")[0]):
                unwanted.append(inside)
    assert unwanted == []
