"""What a Python file says, as far as numbers depend on it: its definitions, each with what it refers to.

Read as syntax trees, so nothing is imported. What is left out is told in `flexnet.digest`, which follows the
references from definition to definition.
"""

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "flexnet"
ROOT = Path(__file__).parent
# What is said to a user and when a job ends; never a number.
SILENT = frozenset(
    f"{PACKAGE}.{name}"
    for name in ("errors", "jobs", "lazy", "locks", "problems", "progress", "seals", "stopping")
)
SAYING = frozenset({"say", "advance"})  # methods of a progress report
UNCOUNTED = frozenset({"__version__", "__all__"})
RULES = f"{PACKAGE}.options.rules"

Reference = tuple[str, str]  # module and name; "*" for everything in it


def module_path(module: str) -> Path:
    """File of a module of this package, such as "flexnet.layers.flexible".

    Raises:
        ValueError: if the package has no such module.
    """
    base = ROOT.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    raise ValueError(f"expected a module of {PACKAGE}; got {module!r}")


@cache
def exists(module: str) -> bool:
    """Whether this package has a module of this name."""
    try:
        return module_path(module).is_file()
    except ValueError:
        return False


@dataclass(frozen=True)
class Part:
    """One definition: its syntax tree as text, what it refers to, the texts in it, its entries by name."""

    dump: str
    uses: frozenset[Reference] = frozenset()
    words: frozenset[str] = frozenset()
    entries: dict[str, "Part"] = field(default_factory=dict)


@dataclass(frozen=True)
class Module:
    """A module: its definitions, names that it has from elsewhere, and what it runs when it is imported."""

    parts: dict[str, Part]
    imported: dict[str, Reference]
    always: Part


def read_module(module: str, text: str) -> Module:
    """Read the text of a module of this package."""
    tree = ast.parse(text)
    run_imports = _imports(tree.body)
    # What a package offers, and imports when it is asked for.
    imported = run_imports | _imports(
        inner for each in tree.body if _says_nothing(each) for inner in ast.walk(each)
    )
    named: dict[str, list[ast.stmt]] = {}
    always: list[ast.stmt] = []
    for statement in tree.body:
        for name in _defined(statement) or [""]:
            named.setdefault(name, []).append(statement)
        if not _defined(statement) and not _says_nothing(statement):
            always.append(statement)
    names = {*named, *imported} - {""}
    reader = _Reader(module, imported, names, _outside(tree.body))
    parts = {name: reader.part(found) for name, found in named.items() if name and name not in UNCOUNTED}
    run = reader.part(always)
    return Module(parts, imported, replace(run, uses=run.uses | _for_their_effect(tree, run_imports)))


def _for_their_effect(tree: ast.Module, imported: dict[str, Reference]) -> frozenset[Reference]:
    """Modules that are imported and never named: what they register would else be missed."""
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return frozenset(target for name, target in imported.items() if target[1] == "*" and name not in named)


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a statement defines; a target that is no name is run when the module is imported."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = [
            name
            for target in statement.targets
            for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _says_nothing(statement: ast.stmt) -> bool:
    """Imports, followed where their names are used; docstrings; what types and offers of a package need."""
    typing_only = (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
        and all(_defined(other) == ["__getattr__"] for other in statement.orelse)
    )
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Import | ast.ImportFrom) or typing_only or text


def _imports(statements: Iterable[ast.AST]) -> dict[str, Reference]:
    """Names that imports of this package bind, with what they mean."""
    found: dict[str, Reference] = {}
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and statement.level == 0:
            source = statement.module or ""
            if source.split(".")[0] == PACKAGE:
                for alias in statement.names:
                    below = f"{source}.{alias.name}"
                    target = (below, "*") if exists(below) else (source, alias.name)
                    found[alias.asname or alias.name] = target
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name.split(".")[0] == PACKAGE:
                    found[alias.asname or PACKAGE] = (alias.name, "*")
    return found


def _outside(statements: Iterable[ast.AST]) -> dict[str, str]:
    """Names that imports of other packages bind, with what they mean: "F" is "torch.nn.functional"."""
    found: dict[str, str] = {}
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            source = statement.module or ""
            found |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in statement.names}
        elif isinstance(statement, ast.Import):
            found |= {alias.asname: alias.name for alias in statement.names if alias.asname}
    return {name: meant for name, meant in found.items() if meant.split(".")[0] != PACKAGE}


class _Reader(ast.NodeTransformer):
    """Turns statements of a module into a part: what is left of them, and what they use."""

    def __init__(
        self,
        module: str,
        imported: dict[str, Reference],
        names: Collection[str],
        outside: dict[str, str],
    ) -> None:
        self.module, self.imported, self.names, self.outside = module, imported, names, outside
        self.bound: dict[str, Reference] = {}
        self.meant: dict[str, str] = {}
        self.uses: set[Reference] = set()
        self.words: set[str] = set()

    def part(self, statements: Iterable[ast.stmt]) -> Part:
        """Read the statements that define one name."""
        self.uses, self.words = set(), set()
        found = [ast.parse(ast.unparse(statement)).body[0] for statement in statements]
        inner = [node for statement in found for node in ast.walk(statement)]
        self.bound = self.imported | _imports(inner)
        self.meant = self.outside | _outside(inner)
        if len(found) == 1 and (table := _table(found[0])) is not None:
            entries = {key: self._entry(value) for key, value in table.items()}
            return Part("ByName", entries=entries)
        kept = [self.visit(statement) for statement in found]
        dump = "\n".join(ast.dump(statement) for statement in kept if statement is not None)
        return Part(dump, frozenset(self.uses), frozenset(self.words))

    def _entry(self, value: ast.expr) -> Part:
        self.uses, self.words = set(), set()
        return Part(ast.dump(self.visit(value)), frozenset(self.uses), frozenset(self.words))

    def _documented(self, node: Any) -> Any:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """A function without its docstring and its types."""
        node = self._documented(node)
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """A class without its docstring."""
        return self.generic_visit(self._documented(node))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """A constant or a field without its type; that there is one counts, as for a dataclass."""
        node.annotation = ast.Constant(value=None)
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        """That something is raised, and what kind; not its words."""
        call = node.exc
        node.exc, node.cause = (call.func if isinstance(call, ast.Call) else call), None
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> Any:
        """A condition without its message."""
        node.msg = None
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> Any:
        """Nothing: its names are followed where they are used."""
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """Nothing, as any import."""
        return ast.Pass()

    def visit_Call(self, node: ast.Call) -> Any:
        """A call without the texts that are said to a user, and without what an option allows."""
        source, name = self._called(node.func)
        if source == RULES and name in ("option", "required"):
            node.args, node.keywords = node.args[: int(name == "option")], []
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if source in SILENT or method in SAYING:
            node.args = [argument for argument in node.args if not _is_text(argument)]
            node.keywords = [keyword for keyword in node.keywords if not _is_text(keyword.value)]
        return self.generic_visit(node)

    def _called(self, function: ast.expr) -> Reference:
        while isinstance(function, ast.Attribute):
            function = function.value
        return self.bound.get(function.id, ("", "")) if isinstance(function, ast.Name) else ("", "")

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """A name of an imported module, or any other attribute."""
        base = node.value
        module, name = self.bound.get(base.id, ("", "")) if isinstance(base, ast.Name) else ("", "")
        if name != "*":
            return self.generic_visit(node)
        below = f"{module}.{node.attr}"
        self.uses.add((below, "*") if exists(below) else (module, node.attr))
        return node

    def visit_Name(self, node: ast.Name) -> Any:
        """A name that is imported or defined in the module."""
        if node.id in self.bound:
            self.uses.add(self.bound[node.id])
        elif node.id in self.names:
            self.uses.add((self.module, node.id))
        elif node.id in self.meant:
            return ast.Name(self.meant[node.id], node.ctx)
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        """A text, which may be the name of an entry."""
        if isinstance(node.value, str):
            self.words.add(node.value)
        return node


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _table(statement: ast.stmt) -> dict[str, ast.expr] | None:
    """Entries of a constant that is declared as `ByName`."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.value, ast.Dict):
        return None
    if "ByName" not in {node.id for node in ast.walk(statement.annotation) if isinstance(node, ast.Name)}:
        return None
    pairs = zip(statement.value.keys, statement.value.values, strict=True)
    return {ast.literal_eval(key): value for key, value in pairs if key is not None}


@cache
def script_part(path: Path) -> Part:
    """A file that is no module of the package, as one part."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    return _Reader("", _imports(nodes), (), _outside(nodes)).part(tree.body)
