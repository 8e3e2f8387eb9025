"""The shape of the house, enforced: imports go one way, files and functions stay small, names say what things do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    "cases",
    "review",
    "feedback",
    "metrics",
    "hitl_project",
]  # each may import itself and what stands to its left
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
VAGUE_NAMES = {"services", "utils", "util", "helpers", "selectors", "common", "misc", "tools"}
# The settings are one file on purpose; a list of settings has nothing to divide.
ONE_FILE = {"hitl_project/settings.py": 350}


def sources() -> list[Path]:
    return [path for app in LAYERS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = sources()
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module), node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def functions_of(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_an_app_imports_only_itself_and_the_apps_below_it() -> None:
    upwards = [
        f"{name_of(path)}:{line} {name}"
        for path, tree in TREES.items()
        for name, line in imports_of(tree)
        if name.split(".")[0] in LAYERS[LAYERS.index(path.relative_to(ROOT).parts[0]) + 1 :]
    ]
    assert upwards == [], "a lower app wakes a higher one by a dotted path in settings"


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES
    }
    graph = {name: imports_at_start(TREES[path]) & set(modules) - {name} for name, path in modules.items()}
    assert circle_in(graph) == []


def imports_at_start(tree: ast.Module) -> set[str]:
    """What a module imports while it is itself imported: not inside functions, not for type checkers alone."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from a import b`: b may be a module; then a itself is only its package.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(str(node.module))
        waiting += list(ast.iter_child_nodes(node))
    return names


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The first circle found, as the modules along it; empty where there is none."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            # A package and the modules inside it load together; that is no circle between modules.
            if not name.startswith(f"{other}.") and (found := walk(other, [*path, name])):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def test_the_circle_finder_finds_circles() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_file_is_short_enough_to_be_read_in_one_go() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > ONE_FILE.get(name, LONGEST_FILE)} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{name_of(path)}:{each.name}": length_of(each) for path, tree in TREES.items() for each in functions_of(tree)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def length_of(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_are_annotated() -> None:
    assert [
        f"{name_of(path)}:{each.name}"
        for path, tree in TREES.items()
        for each in functions_of(tree)
        if not annotated(each)
    ] == []


def annotated(function: Function) -> bool:
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
    return function.returns is not None and all(
        argument.annotation is not None or argument.arg in {"self", "cls", "mcs"} for argument in arguments
    )


def test_no_file_hides_behind_a_vague_name() -> None:
    names = {name_of(path): {part.removesuffix(".py") for part in path.relative_to(ROOT).parts} for path in SOURCES}
    assert [name for name, parts in names.items() if parts & VAGUE_NAMES] == []


def test_no_rule_lives_in_the_save_or_delete_of_a_model() -> None:
    methods = [
        f"{name_of(path)}:{model.name}.{item.name}"
        for path, tree in TREES.items()
        for model in ast.walk(tree)
        if isinstance(model, ast.ClassDef) and {ast.unparse(base) for base in model.bases} & {"models.Model", "Model"}
        for item in model.body
        if isinstance(item, ast.FunctionDef) and item.name in {"save", "delete", "full_clean", "clean"}
    ]
    assert methods == []


def test_no_business_flow_runs_through_signals() -> None:
    listens = [
        f"{name_of(path)}:{line} {name}"
        for path, tree in TREES.items()
        for name, line in imports_of(tree)
        if name.startswith("django.db.models.signals.") and not name.endswith(".post_migrate")
    ]
    assert listens == []
