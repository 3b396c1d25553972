"""The rules of the house, read from the source: who may import whom, homes of outside packages, lengths."""

from __future__ import annotations

import ast
import dataclasses
import sys
from pathlib import Path

import pytest

import langchain_selfparam

ROOT = Path(langchain_selfparam.__file__).parent
PACKAGE = "langchain_selfparam"
GROUND = {"errors", "records", "config", "protocols", "optional", "words"}
STAGES = {"loading", "store", "policy", "targets", "model", "distill", "verify", "weights", "serving"}

MAY_IMPORT = {
    **dict.fromkeys((*GROUND, "store", "policy", "targets", "model"), GROUND),
    **{name: GROUND | {"model"} for name in ("loading", "distill", "weights", "serving")},
    "verify": GROUND | {"model", "distill"},
    "engine": GROUND | STAGES,
    "interfaces": GROUND | {"engine", "serving", "model", "loading"},
    "evaluation": GROUND | {"engine", "distill", "weights", "model", "loading"},
    "bench": GROUND | {"engine", "store", "distill", "weights", "model", "loading", "serving", "testing"},
    "cli": GROUND | {"store"},
    "testing": GROUND | {"model"},
    "__init__": set(),
}
INSIDE_A_FUNCTION = {"cli": {"engine", "evaluation", "bench", "interfaces"}}
FOR_TYPES = {"__init__": GROUND | {"interfaces"}}
HOMES = {
    "langchain": {"interfaces"},
    "langchain_core": {"interfaces"},
    "langchain_classic": {"interfaces"},
    "langchain_huggingface": {"interfaces"},
    "langgraph": {"interfaces"},
    "sqlalchemy": {"store"},
    "peft": {"weights", "bench"},  # the naive loops are PEFT's own
    "triton": {"distill"},
    "torch": {
        "model",
        "loading",
        "distill",
        "weights",
        "verify",
        "serving",
        "evaluation",
        "bench",
        "testing",
    },
}
MAX_FILE, MAX_FUNCTION = 500, 60


@dataclasses.dataclass(frozen=True)
class Import:
    """One import statement."""

    file: str
    line: int
    module: str
    deferred: bool
    """Inside a function: it runs when the function does."""
    for_types: bool
    """Under ``if TYPE_CHECKING:``: it never runs."""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def room(self) -> str:
        return room_of(PACKAGE + "." + self.file.removesuffix(".py").replace("/", "."))

    @property
    def target(self) -> str:
        return room_of(self.module)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] else "__init__"


class Reader(ast.NodeVisitor):
    """Collects the imports of a file with the circumstances they run in."""

    def __init__(self, file: str):
        self.file = file
        self.imports: list[Import] = []
        self.deferred = self.for_types = False

    def add(self, line, module):
        self.imports.append(Import(self.file, line, module, self.deferred, self.for_types))

    def visit_Import(self, node):
        for alias in node.names:
            self.add(node.lineno, alias.name)

    def visit_ImportFrom(self, node):
        assert node.level == 0, f"{self.file}:{node.lineno}: a relative import; write the whole name"
        # A name may itself be a module.
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            self.add(node.lineno, inner if inner in modules() else node.module)

    def visit_FunctionDef(self, node):
        before, self.deferred = self.deferred, True
        self.generic_visit(node)
        self.deferred = before

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # noqa: N815

    def visit_If(self, node):
        before = self.for_types
        self.for_types = before or "TYPE_CHECKING" in ast.unparse(node.test)
        for child in node.body:
            self.visit(child)
        self.for_types = before
        for child in node.orelse:
            self.visit(child)


def files() -> dict[str, Path]:
    return {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}


def modules() -> set[str]:
    names = {f"{PACKAGE}." + name.removesuffix(".py").replace("/", ".") for name in files()}
    return names | {name.removesuffix(".__init__") for name in names}


def imports_of(source: str, file: str) -> list[Import]:
    reader = Reader(file)
    reader.visit(ast.parse(source))
    return reader.imports


def all_imports() -> list[Import]:
    return [i for name, path in files().items() for i in imports_of(path.read_text("utf-8"), name)]


def own_offence(found: Import) -> str | None:
    """Say what is wrong with an import of this package's own modules."""
    if not (found.module + ".").startswith(PACKAGE + ".") or found.target in {found.room, "__init__"}:
        return None
    allowed = set(MAY_IMPORT.get(found.room, set()))
    if found.deferred:
        allowed |= INSIDE_A_FUNCTION.get(found.room, set())
    if found.for_types:
        allowed |= FOR_TYPES.get(found.room, set())
        allowed |= INSIDE_A_FUNCTION.get(found.room, set())
    if found.target in allowed:
        return None
    return f"{found.where}: {found.room} may not import {found.module}; it may import {sorted(allowed)}"


def home_offence(found: Import) -> str | None:
    """Say what is wrong with an import of an outside package."""
    homes = HOMES.get(found.module.split(".")[0])
    if homes is None or found.room in homes or found.for_types:
        return None
    return f"{found.where}: {found.module} is imported in {found.room}; its home is {sorted(homes)}"


def test_every_room_has_a_rule():
    assert {room_of(module) for module in modules()} <= MAY_IMPORT.keys()


def test_rooms_import_only_what_they_may():
    assert [o for o in map(own_offence, all_imports()) if o] == []


def test_outside_packages_stay_at_home():
    assert [o for o in map(home_offence, all_imports()) if o] == []


def test_the_ground_imports_nothing_heavy():
    allowed = {*sys.stdlib_module_names, PACKAGE}
    heavy = [
        f"{i.where}: {i.module}" for i in all_imports() if i.room in GROUND and i.module.split(".")[0] not in allowed
    ]
    assert heavy == []


def test_there_is_no_import_cycle():
    graph: dict[str, set[str]] = {}
    for found in all_imports():
        own = f"{PACKAGE}." + found.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        # Importing a module runs its package first; a package that names its own parts is no cycle.
        if (found.module + ".").startswith(PACKAGE + ".") and not (found.for_types or found.deferred):
            graph.setdefault(own, set()).add(found.module)
    assert cycle_in(graph) is None


def cycle_in(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def walk(node, path):
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return None
        found = next((c for n in sorted(graph.get(node, ())) if (c := walk(n, [*path, node]))), None)
        done.add(node)
        return found

    return next((c for node in sorted(graph) if (c := walk(node, []))), None)


@pytest.mark.parametrize("name", files())
def test_a_file_is_short_and_says_what_it_is(name):
    source = files()[name].read_text("utf-8")
    tree = ast.parse(source)
    assert ast.get_docstring(tree), f"{name} has no module docstring"
    assert source.count("\n") <= MAX_FILE, f"{name} has {source.count(chr(10))} lines; {MAX_FILE} are allowed"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = code_lines(node)
            assert lines <= MAX_FUNCTION, f"{name}:{node.lineno}: {node.name} has {lines} lines"


def code_lines(node) -> int:
    """Lines of a function, its docstring aside: explaining more must not be a reason to cut code up."""
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


@pytest.mark.parametrize(
    ("file", "source", "offence"),
    [
        ("store/x.py", "import langchain_selfparam.model", "store may not import langchain_selfparam.model"),
        (
            "cli/x.py",
            "from langchain_selfparam import engine",
            "cli may not import",
        ),
        ("policy.py", "def f():\n    import langchain_selfparam.store", "policy may not import"),
        ("cli/x.py", "def f():\n    import langchain_selfparam.engine", None),
        ("engine/x.py", "import langchain_selfparam.weights.delta", None),
    ],
)
def test_the_rule_itself_finds_offenders(file, source, offence):
    (found,) = imports_of(source, file)
    said = own_offence(found)
    assert said is None if offence is None else offence in said


def test_the_homes_rule_finds_offenders():
    (found,) = imports_of("def f():\n    import torch.nn", "targets/x.py")
    assert home_offence(found) == "targets/x.py:2: torch.nn is imported in targets; its home is " + repr(
        sorted(HOMES["torch"])
    )
    (found,) = imports_of("if TYPE_CHECKING:\n    import torch", "targets/x.py")
    assert home_offence(found) is None


def test_cycles_are_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}}) is None
