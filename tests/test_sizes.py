"""How big things may grow, how often a net may catch everything, and who must say what it does."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE_LINES = 350
FUNCTION_LINES = 50
FUNCTION_LINES_P95 = 30
FUNCTION_LINES_MEDIAN = 9
BROAD_CATCHES = 3  # the edge of a thread, the edge of the program, the edge of a job
LICENCE_WORDS = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef
Sources = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A function and its length in lines without its docstring."""

    name: str
    lines: int


def read_package() -> dict[str, str]:
    """Read every source file of the package, by its path below it."""
    root = Path(__file__).resolve().parent.parent / "voxtrald"
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(root.rglob("*.py"))}


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_stub(function: Function) -> bool:
    """Whether a function only declares a shape, as in a Protocol; counting these would flatter the median."""
    body = [node for node in function.body if not is_docstring(node)]
    return not body or (len(body) == 1 and ast.unparse(body[0]) in {"...", "raise NotImplementedError"})


def measure(function: Function) -> int:
    """Count the lines of a function from `def` to its end, without its docstring."""
    docstring = function.body[0]
    hidden = (docstring.end_lineno or 0) - docstring.lineno + 1 if is_docstring(docstring) else 0
    return (function.end_lineno or 0) - function.lineno + 1 - hidden


def measure_functions(sources: Sources) -> list[Measured]:
    """Measure every function that does something, methods and inner functions too."""
    return [
        Measured(name=f"{path}:{node.lineno} {node.name}", lines=measure(node))
        for path, text in sources.items()
        for node in ast.walk(ast.parse(text, filename=path))
        if isinstance(node, Function) and not is_stub(node)
    ]


def is_broad(caught: ast.expr | None) -> bool:
    """Whether an except clause, or an argument of `suppress`, takes every failure."""
    if isinstance(caught, ast.Tuple):
        return any(is_broad(one) for one in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


def broad_lines(text: str) -> Iterator[range]:
    """Find each broad catch: the lines from the one above it to the first statement it guards."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and is_broad(node.type):
            yield range(node.lineno - 1, node.body[0].lineno + 1)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            yield from (range(node.lineno - 1, node.lineno + 1) for one in node.args if is_broad(one))


def read_comments(text: str) -> dict[int, str]:
    """Read the comments by line, without the marks that only tools read."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    marks = re.compile(r"noqa(: ?[A-Z0-9, ]+\b)?|pragma: no \w+|type: ignore(\[[\w, -]+\])?")
    return {line: marks.sub("", comment) for line, comment in comments.items()}


def catches(sources: Sources) -> list[tuple[str, bool]]:
    """List every broad catch as its place and whether a comment beside it says why it may."""
    found = []
    for path, text in sources.items():
        comments = read_comments(text)
        for lines in broad_lines(text):
            said = " ".join(comments.get(line, "") for line in lines)
            found.append((f"{path}:{lines.start + 1}", len(re.findall(r"\w+", said)) >= LICENCE_WORDS))
    return found


def find_silent(sources: Sources) -> list[str]:
    """List public modules, classes and functions without a docstring."""
    return [
        f"{path} {name}"
        for path, text in sources.items()
        for name, node in public_things(ast.parse(text), prefix="")
        if ast.get_docstring(node) is None and not (isinstance(node, ast.Module) and not node.body)
    ]


def public_things(
    node: ast.Module | ast.ClassDef,
    *,
    prefix: str,
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | Function]]:
    """Yield a module or class and what it shows to others, with dotted names."""
    yield prefix or "(module)", node
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public_things(child, prefix=f"{prefix}.{child.name}".lstrip("."))
        elif isinstance(child, Function) and not child.name.startswith("_") and not is_variant(child):
            yield f"{prefix}.{child.name}".lstrip("."), child


def is_variant(function: Function) -> bool:
    """Whether a function is another face of one that has its docstring elsewhere."""
    return any(re.search(r"(^|\.)(overload|override|setter)$", ast.unparse(mark)) for mark in function.decorator_list)


# --- the package --------------------------------------------------------------------------------------------


def test_no_module_is_longer_than_one_sitting():
    """A module is split by meaning before it passes 350 lines."""
    long = {path: len(text.splitlines()) for path, text in read_package().items()}

    assert {path: lines for path, lines in long.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen():
    """A function has at most 50 lines without its docstring."""
    long = [function for function in measure_functions(read_package()) if function.lines > FUNCTION_LINES]

    assert long == []


def test_functions_are_short_as_a_habit():
    """Half of all functions have at most 9 lines, and 95 of 100 at most 30."""
    lines = [function.lines for function in measure_functions(read_package())]

    assert statistics.median(lines) <= FUNCTION_LINES_MEDIAN
    assert statistics.quantiles(lines, n=20)[-1] <= FUNCTION_LINES_P95


def test_catching_everything_is_rare():
    """At most three places catch every exception: there are no more edges than that."""
    found = catches(read_package())

    assert len(found) <= BROAD_CATCHES, found


def test_catching_everything_is_explained():
    """Every place that catches everything says beside it why it may."""
    unexplained = [place for place, is_explained in catches(read_package()) if not is_explained]

    assert unexplained == []


def test_everything_public_says_what_it_does():
    """Every public module, class, method and function has a docstring."""
    silent = find_silent(read_package())

    assert silent == []


# --- the measures -------------------------------------------------------------------------------------------


def test_a_function_is_measured_without_its_docstring():
    """The lines of a signature and a body count, those of a docstring do not."""
    text = 'def wide(\n    one,\n):\n    """Say.\n\n    More.\n    """\n    return one\n'

    assert [function.lines for function in measure_functions({"a.py": text})] == [4]


def test_a_declared_shape_is_not_measured():
    """Methods of a Protocol have no body to measure."""
    text = 'class Shape:\n    def size(self):\n        """Say."""\n    def name(self): ...\n'

    assert measure_functions({"a.py": text}) == []


@pytest.mark.parametrize(
    ("clause", "is_explained"),
    [
        ("except Exception:", False),
        ("except BaseException:  # noqa: BLE001", False),
        ("except:  # noqa: E722 - a dead thread must be told to the main one", True),
        ("except (ValueError, Exception):  # the edge of a thread: tell whoever waits", True),
        ("except Exception:\n    # The edge of the program: whatever it is becomes an exit code.", True),
    ],
)
def test_a_broad_catch_needs_its_reason(clause, is_explained):
    """Words beside the catch explain it; marks for tools do not."""
    text = f"try:\n    work()\n{clause}\n    tell()\n"

    assert [is_said for _, is_said in catches({"a.py": text})] == [is_explained]


def test_suppressing_everything_is_a_broad_catch():
    """`contextlib.suppress(Exception)` counts, a named exception does not."""
    text = "with contextlib.suppress(Exception):\n    work()\nwith suppress(OSError):\n    work()\n"

    assert catches({"a.py": text}) == [("a.py:1", False)]


def test_a_named_catch_is_free():
    """Named exceptions are what adapters are for."""
    text = "try:\n    work()\nexcept (OSError, ValueError):\n    tell()\n"

    assert catches({"a.py": text}) == []


def test_public_things_without_a_docstring_are_named():
    """Missing docstrings are found in modules, classes, methods and functions, but not in private ones."""
    text = "class Open:\n def told(self): ...\n def _kept(self): ...\nclass _Shut:\n def told(self): ...\n"

    assert find_silent({"a.py": text}) == ["a.py (module)", "a.py Open", "a.py Open.told"]
