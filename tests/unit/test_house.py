"""The rules of the house: who imports whom, symbols, the stub, versions, the README, sizes."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import importlib.util
import inspect
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tradewar as tw
from tradewar import _core

ROOT = Path(__file__).parents[2]
PACKAGE = Path(tw.__file__).parent
MAX_LINES = 600

# From the ground up: what a module imports, directly or not, never holds one that stands later.
GROUND_UP = [
    "errors",
    "codes",
    "data",
    "elasticities",
    "world",
    "scenario",
    "ge_problem",
    "schedule",
    "schedules",
    "pe_result",
    "pe",
    "ge_result",
    "ge",
    "many",
    "payoff_table",
    "arena",
    "policy_result",
    "optimal",
    "nash_tariffs",
    "bargain_starts",
    "bargaining",
    "cooperation",
    "",
    "__main__",
]
COMMAND_LINE = {
    "cases",
    "controls",
    "deal",
    "report",
    "steps",
    "talks_answer",
    "welfare",
    "who_pays",
    "__main__",
}  # users of the public names
CORE_USERS = re.compile(r"|data|(pe|ge|game|spatial)(_problem)?")  # "" takes __version__
THIRD_PARTY = {"numpy", "pandas", "narwhals"}  # what an import of the package may import
SOURCES_ONLY = pytest.mark.skipif(
    not (ROOT / "csrc").is_dir(), reason="the sources are not here: an installed package"
)


def module_name(path: Path) -> str:
    """Return a module's name below ``tradewar``; "" is the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def top_imports(path: Path) -> set[str]:
    """Return the modules that a file imports when it is imported, by full name."""
    package = ["tradewar", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
                source = ".".join(part for part in (base, node.module) if part)
                for alias in node.names:
                    submodule = f"{source}.{alias.name}".removeprefix("tradewar.")
                    is_module = submodule in MODULES or submodule == "_core"
                    inner = source.startswith("tradewar") and is_module
                    found.add(f"tradewar.{submodule}" if inner else source)
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                visit(node.orelse)
            elif isinstance(node, (ast.If, ast.Try)):
                visit(node.body)
                visit(node.orelse)
            elif isinstance(node, ast.ClassDef):
                visit(node.body)

    visit(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


@functools.cache
def inner_imports(name: str) -> frozenset[str]:
    """Return the modules of the package that a module imports, by their names below it."""
    found = top_imports(MODULES[name]) if name in MODULES else set()
    inner = {full for full in found if full.split(".")[0] == "tradewar"}
    return frozenset(full.removeprefix("tradewar").removeprefix(".") for full in inner)


def below(name: str) -> set[str]:
    """Return all that a module imports, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = inner_imports(waiting.pop()) - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_round_in_no_circle(name):
    assert name not in below(name)


@pytest.mark.parametrize("name", GROUND_UP)
def test_imports_point_down(name):
    assert name in MODULES
    later = set(GROUND_UP[GROUND_UP.index(name) + 1 :])
    assert not below(name) & later


@pytest.mark.parametrize("name", sorted(MODULES.keys() - COMMAND_LINE))
def test_only_the_command_line_imports_the_public_names(name):
    assert not inner_imports(name) & ({""} | COMMAND_LINE)


@pytest.mark.parametrize("name", MODULES)
def test_only_solvers_and_data_import_the_core(name):
    if re.search(r"import .*\b_core\b", MODULES[name].read_text(encoding="utf-8")):
        assert CORE_USERS.fullmatch(name)


@pytest.mark.parametrize("name", [name for name in MODULES if "_compile" not in name])
def test_heavy_packages_are_imported_inside_functions(name):
    tops = {imported.split(".")[0] for imported in top_imports(MODULES[name])}
    outside = tops - set(sys.stdlib_module_names) - {"tradewar"}
    assert outside <= THIRD_PARTY


def source_files() -> list[Path]:
    """List everything that a person wrote and maintains."""
    patterns = ("csrc/**/*.[ch]", "tradewar/**/*.py*", "tests/**/*.py", "tests/**/*.[ch]", "*.py")
    return [path for pattern in patterns for path in ROOT.glob(pattern) if path.suffix != ".pyc"]


@SOURCES_ONLY
def test_files_stay_short():
    long = {}
    for path in source_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines >= MAX_LINES:
            long[str(path.relative_to(ROOT))] = lines
    assert not long


@SOURCES_ONLY
def test_core_knows_no_python():
    for path in [*ROOT.glob("csrc/core/*"), *ROOT.glob("csrc/include/*")]:
        text = path.read_text(encoding="utf-8")
        assert "Python.h" not in text and "numpy/" not in text, path.name
    for path in ROOT.glob("csrc/python/*"):
        assert "tw_internal.h" not in path.read_text(encoding="utf-8"), path.name
    header = (ROOT / "csrc/include/tradewar.h").read_text(encoding="utf-8")
    assert re.findall(r"#\s*include\s*(\S+)", header) == ["<stddef.h>"]


def ci_script(name: str):
    """Import one of the scripts of .ci/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@SOURCES_ONLY
@pytest.mark.native
@pytest.mark.skipif(platform.system() != "Linux", reason="reads ELF")
@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("nm")), reason="needs gcc and nm")
def test_symbols(tmp_path):
    objects = []
    for source in sorted(ROOT.glob("csrc/core/*.c")):
        out = tmp_path / f"{source.stem}.o"
        command = ["gcc", "-std=c11", "-O0", f"-I{ROOT}/csrc/include", "-c", str(source)]
        subprocess.run([*command, "-o", str(out)], check=True)
        objects.append(out)
    assert objects
    assert ci_script("symbols").problems([*objects, Path(_core.__file__)]) == []


def stub_functions() -> dict[str, list[str]]:
    """Return the functions of the stub and their parameters."""
    stub = ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))
    functions = {}
    for node in stub.body:
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            assert not arguments.args and not arguments.kwonlyargs, f"{node.name}: only positional"
            assert not arguments.defaults, f"{node.name}: no defaults"
            functions[node.name] = [argument.arg for argument in arguments.posonlyargs]
    return functions


def stub_constants() -> set[str]:
    """Return the annotated names of the stub."""
    stub = ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))
    return {node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)}


def test_stub_names_what_the_extension_has():
    public = {name for name in vars(_core) if not name.startswith("__")}
    functions = {name for name in public if inspect.isroutine(getattr(_core, name))}
    assert set(stub_functions()) == functions
    assert stub_constants() >= public - functions
    assert all(hasattr(_core, name) for name in stub_constants())


def signature(docstring: str) -> tuple[str, list[str]]:
    """Parse the first line of a docstring, ``name(a, (b, c), d) -> ...``; a tuple gives ""."""
    call = ast.parse(docstring.split("->")[0].replace("\n", " ").strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    return call.func.id, [a.id if isinstance(a, ast.Name) else "" for a in call.args]


@pytest.mark.parametrize("name", stub_functions())
def test_stub_has_the_real_arguments(name):
    function = getattr(_core, name)
    parameters = stub_functions()[name]
    documented_name, documented = signature(function.__doc__)
    assert documented_name == name
    assert len(documented) == len(parameters)
    for word, parameter in zip(documented, parameters, strict=True):
        assert word in ("", parameter)
    for count in (len(parameters) - 1, len(parameters) + 1):
        with pytest.raises(TypeError, match="argument"):
            function(*[None] * count)
    with pytest.raises(TypeError, match="keyword"):
        function(**dict.fromkeys(parameters))


def test_one_version():
    assert tw.__version__ == _core.__version__
    try:
        installed = importlib.metadata.version("tradewar")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("built in place and not installed: no metadata to compare with")
    assert installed == _core.__version__


@SOURCES_ONLY
def test_version_of_project_citation_and_changelog():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == tw.__version__
    assert f"\nversion: {tw.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE).group(1) == tw.__version__


def test_package_is_typed_and_complete():
    assert (PACKAGE / "py.typed").is_file()
    for name in tw.__all__:
        assert getattr(tw, name) is not None
    assert set(tw.__all__) <= set(dir(tw))


def test_code_paths_are_named():
    assert _core.levels[0] == "baseline"
    flags = Path("/proc/cpuinfo")
    if platform.machine() == "x86_64" and flags.is_file() and " avx2 " in flags.read_text():
        assert "avx2" in _core.levels


@SOURCES_ONLY
def test_readme_has_two_shell_blocks():
    readme = ci_script("readme_blocks")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, second = readme.shell_blocks(text)
    assert "-m tradewar" in first
    assert "-m pytest" in second
    assert len(readme.fenced(text, "sh")) == len(readme.shell_blocks(text))


@SOURCES_ONLY
def test_readme_python_blocks_run():
    readme = ci_script("readme_blocks")
    blocks = readme.fenced((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


@SOURCES_ONLY
@pytest.mark.native
def test_import_under_strict_warnings():
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-W", "error", "-c", "import tradewar"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
