"""Write docs/api.md from the docstrings of the public names, or check that it is what they say.

python -m tools.api_reference --write
python -m tools.api_reference --check
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.generated import main

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).parents[1] / "docs" / "api.md"
PACKAGES = ("journal", "projector")
WIDTH = 96
HEAD = """# Python API

<!-- made by `make docs` from the docstrings; a test compares them, and runs the examples -->

`journal` is the write side, `projector` the read side; both are typed. Times are integers,
microseconds since 1970, and most have a property beside them that is a `datetime` (`time_utc`
beside `time`). All handles are safe for threads. After a fork the child may use a
handle that it inherited.
"""
AWAITED = ("AsyncBoard", "AsyncSessionStore")
"""Classes that have the methods of another one, as coroutines."""
HIDDEN = ("after_fork_in_child",)
"""Methods that the interpreter calls, and no user."""
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")
_ENTRY = re.compile(r"^(\w+(?:, \w+)*): (.*)$")


def reference() -> str:
    """Return the text of docs/api.md."""
    parts = [HEAD]
    for package in PACKAGES:
        module = import_module(package)
        parts += [f"## {package}\n", _text(module.__doc__)]
        public = [(name, getattr(module, name)) for name in module.__all__]
        own = [(name, value) for name, value in public if _home(value).startswith(package)]
        for name, value in sorted(own, key=lambda item: (_rank(item[1]), item[0])):
            if not _is_error(value):
                parts += _entry(f"{package}.{name}", value)
        parts += ["### Errors\n", *_errors(package, own)]
    return "\n".join(parts)


def public_methods(kind: type) -> dict[str, Any]:
    """Return the public methods and properties of a class, by name, bases first."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.split(".")[0] in PACKAGES:
            found |= {n: v for n, v in vars(base).items() if _is_shown(n, v)}
    return found


def docstring(value: object) -> str:
    """Return the own docstring of a public name, without that of a base or of its type."""
    found = getattr(value, "__doc__", None)
    return inspect.cleandoc(found) if isinstance(found, str) else ""


def _home(value: object) -> str:
    return str(getattr(value, "__module__", type(value).__module__))


def _rank(value: object) -> int:
    return 0 if inspect.isclass(value) and not is_dataclass(value) else 1


def _is_error(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, BaseException)


def _is_shown(name: str, value: object) -> bool:
    if name.startswith("_") or name in HIDDEN:
        return False
    return isinstance(value, property | classmethod) or inspect.isfunction(value)


def _entry(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - any public name
    yield f"### {name}\n"
    if inspect.isfunction(value):
        yield _signature(name.rpartition(".")[2], value)
    elif inspect.isclass(value) and is_dataclass(value):
        yield f"```python\n{_call(value.__name__, list(value.__dataclass_fields__))}\n```\n"
    elif not inspect.isclass(value):
        yield f"{docstring(type(value))}\n"
        return
    yield _text(value.__doc__)
    if not inspect.isclass(value) or value.__name__ in AWAITED:
        return
    for base in reversed(value.__mro__):
        if base.__module__.split(".")[0] in PACKAGES:
            if base is not value and any(n[0] != "_" for n in vars(base)):
                yield _text(base.__doc__)
            for member in vars(base):
                if _is_shown(member, vars(base)[member]):
                    yield from _member(value, member, vars(base)[member])


def _member(kind: type, name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - any method
    yield f"#### {kind.__name__}.{name}\n"
    if isinstance(value, property):
        returns = value.fget.__annotations__.get("return", "")
        yield f"```python\n{name}: {returns}\n```\n"
        yield _text(value.__doc__)
    else:
        function = value.__func__ if isinstance(value, classmethod) else value
        yield _signature(name, function)
        yield _text(function.__doc__)


def _call(name: str, arguments: list[str]) -> str:
    """Return a call as the formatter would write it."""
    line = f"{name}({', '.join(arguments)})"
    return line if len(line) <= WIDTH else f"{name}(\n    " + ",\n    ".join(arguments) + ",\n)"


class _Raw:
    """An annotation that is shown as it is written in the source."""

    def __init__(self, text: object) -> None:
        self._text = text

    def __repr__(self) -> str:
        return str(self._text)


def _signature(name: str, function: Any) -> str:  # noqa: ANN401 - any function
    signature = inspect.signature(function)
    shown = [
        parameter
        if parameter.annotation is inspect.Parameter.empty
        else parameter.replace(annotation=_Raw(parameter.annotation))
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    returns = _Raw(signature.return_annotation)
    line = f"{name}{signature.replace(parameters=shown, return_annotation=returns)}"
    if len(line) > WIDTH:
        arguments = [str(p) for p in shown]
        keyword = next(
            (n for n, p in enumerate(shown) if p.kind is inspect.Parameter.KEYWORD_ONLY), None
        )
        if keyword is not None:
            arguments.insert(keyword, "*")
        line = f"{_call(name, arguments)} -> {returns}"
    return f"```python\n{line}\n```\n"


def _text(text: str | None) -> str:
    """Return a docstring as Markdown: examples as fences, sections as lists."""
    lines = inspect.cleandoc(text or "").split("\n")
    out: list[str] = []
    index = 0
    section = False
    while index < len(lines):
        line = lines[index]
        if line.endswith("::"):
            out += [line[:-1], ""] if line != "::" else []
            index += 1
            while not lines[index]:
                index += 1
            block: list[str] = []
            while index < len(lines) and (not lines[index] or lines[index].startswith("    ")):
                block.append(lines[index][4:])
                index += 1
            code = "\n".join(block).strip("\n")
            out += [f"```python\n{code}\n```", ""]
            continue
        found = _SECTION.match(line)
        if found is not None:
            section = True
            out += [f"**{found[1]}**", ""]
        elif section and line.startswith("    "):
            entry = _ENTRY.match(line.strip()) if not line.startswith("     ") else None
            if entry is not None:
                names = ", ".join(f"`{name}`" for name in entry[1].split(", "))
                out.append(f"- {names}: {entry[2]}")
            else:
                is_more = line.startswith("     ") and out[-1].startswith(("- ", "  "))
                out.append(f"  {line.strip()}" if is_more else line.strip())
        else:
            section = section and not line
            out.append(line)
        index += 1
    return "\n".join(out).strip("\n") + "\n"


def _errors(package: str, own: list[tuple[str, Any]]) -> Iterator[str]:
    yield "| error | is a | when |\n|---|---|---|"
    for name, value in own:
        if _is_error(value):
            bases = ", ".join(f"`{base.__name__}`" for base in value.__bases__)
            yield f"| `{package}.{name}` | {bases} | {docstring(value).splitlines()[0]} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET, reference, "the docstrings"))
