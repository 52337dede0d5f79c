"""What a message was about, from its data alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from projector.fold.facets import LONGEST, MOST, Own, facets, path_keys, reverse, whole


def _call(name: str, arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": text}}


def _files(arguments: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    return list(facets({"tool_calls": [_call("edit", arguments)]}).files)


_PATCH = "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: src/b.py\n@@\n*** End Patch"
_DIFF = (
    "--- a/src/a.py\t2026-01-01\n+++ b/src/a.py\n@@ -1 +1 @@\n-a\n+b\n--- /dev/null\n+++ b/new.py"
)


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ({"file_path": "/home/ada/p/a.py", "old_string": "x"}, ["/home/ada/p/a.py"]),
        ({"path": "./src//a.py"}, ["src/a.py"]),
        ({"notebook_path": "n.ipynb"}, ["n.ipynb"]),
        ({"filename": "a b.txt"}, ["a b.txt"]),
        ({"absolute_path": "/a"}, ["/a"]),
        ({"paths": ["b", "a", "a"]}, ["a", "b"]),
        ({"files": [{"path": "a"}, {"path": "b"}]}, ["a", "b"]),
        ({"target_file": "C:\\work\\a.py"}, ["C:/work/a.py"]),
        ({"path": "file:///home/a.py"}, ["/home/a.py"]),
        ({"path": "https://example.com/a"}, []),
        ({"path": "."}, []),
        ({"path": "x" * (LONGEST + 1)}, []),
        ({"path": "two\nlines"}, []),
        ({"path": 5, "file": None, "files": {"path": ["a"]}}, ["a"]),
        ({"input": _PATCH}, ["src/a.py", "src/b.py"]),
        ({"command": ["bash", "-lc", f"apply_patch <<'E'\n{_PATCH}\nE"]}, ["src/a.py", "src/b.py"]),
        ({"diff": _DIFF}, ["new.py", "src/a.py"]),
        ({"content": _PATCH}, []),
        (_PATCH, ["src/a.py", "src/b.py"]),
        ('{"path": "cut o', []),
        ({"a": {"b": {"c": {"d": {"e": {"f": {"path": "deep"}}}}}}}, []),
        ({"query": "no file"}, []),
    ],
)
def test_files_come_from_the_arguments_of_calls(arguments: object, files: list[str]) -> None:
    """Paths under known keys and the files of patches count; what a tool writes does not."""
    assert _files(arguments) == files


def test_calls_have_one_shape_or_that_of_content_parts() -> None:
    """`tool_calls` in both shapes, `tool_use` parts, and the tool of a result are tools."""
    calls = [_call("b", {"path": "x"}), {"name": "a", "input": {"path": "y"}}, "no call", {}]
    parts = [
        {"type": "tool_use", "name": "c", "input": {"path": "z"}},
        {"type": "text", "name": "no"},
    ]
    found = facets({"tool_calls": calls, "content": parts, "tool_name": "d"})
    assert (found.tools, found.files) == (("a", "b", "c", "d"), ("x", "y", "z"))
    assert facets({"tool_name": "grep", "content": "found"}).tools == ("grep",)


@pytest.mark.parametrize(
    ("data", "failed"),
    [
        ({"extra": {"is_error": True}}, True),
        ({"extra": {"exit_code": 2}}, True),
        ({"extra": {"is_error": False, "exit_code": 0}}, False),
        ({"extra": {"is_error": "true", "exit_code": True}}, False),
        ({"content": [{"type": "tool_result", "is_error": True}]}, True),
        ({"content": [{"type": "text", "is_error": True}]}, False),
        ({"extra": "is_error"}, False),
    ],
)
def test_errors_are_what_the_source_reports(data: dict[str, Any], *, failed: bool) -> None:
    """`is_error`, an exit code that is not 0, and a part of a result that failed."""
    assert facets(data).failed is failed


def test_own_values_are_texts_that_the_source_gave() -> None:
    """A model in angle brackets is none, and values of other kinds are none."""
    extra = {"cwd": "/p", "git_branch": "main"}
    assert facets({"source": "cli", "model": "m", "extra": extra}).own == Own(
        "cli", "/p", "main", "m"
    )
    assert facets({"model": "<synthetic>", "source": 5, "extra": {"cwd": ""}}).own == Own()
    assert facets({"content": "text", "source": "s" * 5_000}).own.source == "s" * 5_000


def test_a_message_has_a_bounded_number_of_facets() -> None:
    """Of many tools and files the first in the order of their names count."""
    calls = [_call(f"t{n:03}", {"path": f"f{n:03}"}) for n in reversed(range(MOST + 5))]
    found = facets({"tool_calls": calls})
    assert found.tools == tuple(f"t{n:03}" for n in range(MOST))
    assert found.files == tuple(f"f{n:03}" for n in range(MOST))


def test_a_path_is_found_by_its_last_parts() -> None:
    """The keys of a path are itself and up to two last parts; reversed, an end is a beginning."""
    assert path_keys("/home/p/src/a.py") == ["/home/p/src/a.py", "a.py", "src/a.py"]
    assert path_keys("a.py") == ["./a.py", "a.py"]
    assert whole("a/./b") == "./a/b"
    assert reverse("/home/p/src/a.py").startswith(reverse("src/a.py"))
    assert not reverse("/home/p/src/ba.py").startswith(reverse("a.py"))
