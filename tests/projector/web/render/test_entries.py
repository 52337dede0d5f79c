"""Messages as entries of a page."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from projector.views.messages import MessageState, MessageView
from projector.web.render.blocks import Answer, Call, Code, Diff, Image, Link, Prose, Thinking
from projector.web.render.calls import called, summary
from projector.web.render.diff import changed, patched
from projector.web.render.entries import entries
from projector.web.render.markdown import markdown

_TIME = 1_700_000_000_000_000


def _view(id: str, role: str, content: Any, after: int = 0, **fields: Any) -> MessageView:  # noqa: ANN401 - any content
    return MessageView(
        session="s1",
        id=id,
        role=role,
        content=content,
        time=_TIME + after,
        source=None,
        fields=fields,
        revised=False,
        home=None,
        state=MessageState.IN_TRANSCRIPT,
    )


def _call(name: str, arguments: object, id: str = "c1") -> dict[str, Any]:
    return {"id": id, "function": {"name": name, "arguments": json.dumps(arguments)}}


def test_a_result_is_below_its_call() -> None:
    """With what it ended with and the time it took; the message of the result is no entry."""
    found = entries(
        [
            _view("u", "user", "run it"),
            _view("a", "assistant", "I do", tool_calls=[_call("Bash", {"command": "pytest -q"})]),
            _view("r", "tool", "1 failed", 2_000_000, tool_call_id="c1", extra={"exit_code": 1}),
            _view("b", "assistant", "it fails", 3_000_000),
        ],
        cwd=None,
    )
    assert [entry.id for entry in found] == ["u", "a", "b"]
    assert [entry.kind for entry in found] == ["prompt", "assistant", "assistant"]
    assert [entry.continues for entry in found] == [False, False, True]
    assert found[2].step == 1_000_000
    call = found[1].blocks[1]
    assert isinstance(call, Call)
    assert (call.tool, call.target) == ("Bash", "pytest -q")
    assert call.result is not None
    assert (call.result.message, call.result.outcome, call.result.took) == (
        "r",
        "exit 1",
        2_000_000,
    )


def test_a_result_whose_call_is_elsewhere_stands_alone() -> None:
    """So does a result of content parts; one with an error says so."""
    part = {"type": "tool_result", "tool_use_id": "x", "content": "gone", "is_error": True}
    found = entries(
        [
            _view("r", "tool", "text", tool_call_id="c9", tool_name="Read"),
            _view("p", "user", [part]),
        ],
        cwd=None,
    )
    first, second = (entry.blocks[0] for entry in found)
    assert isinstance(first, Answer)
    assert (first.tool, first.line, first.result.outcome) == ("Read", "text", "")
    assert isinstance(second, Answer)
    assert second.result.outcome == "error"


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("Bash", {"command": "ls -l\nrm x"}, "ls -l"),
        ("shell", {"command": ["bash", "-lc", "ls"]}, "ls"),
        ("Read", {"file_path": "/home/me/p/a.py"}, "a.py"),
        ("Read", {"file_path": "/other/a.py", "offset": 10, "limit": 20}, "/other/a.py:10-29"),
        ("Grep", {"pattern": "def f", "path": "/home/me/p/src"}, "def f in src"),
        ("editor", {"command": "view", "path": "/home/me/p/a.py"}, "a.py"),
        ("WebFetch", {"url": "https://example.org"}, "https://example.org"),
        ("odd", {"n": 1}, '{"n":1}'),
        ("none", {}, ""),
    ],
)
def test_the_line_of_a_call(name: str, arguments: object, line: str) -> None:
    """It says what the call is about; paths in the project are short."""
    assert summary(called(_call(name, arguments)), "/home/me/p").target == line


def test_edits_and_writes_are_counted() -> None:
    """Lines of a diff, of a patch and of a new file."""
    arguments = {"file_path": "a", "old_string": "x\ny", "new_string": "x\nz\n1"}
    edit = summary(called(_call("Edit", arguments)), None)
    assert (edit.added, edit.removed) == (2, 1)
    assert isinstance(edit.blocks[0], Diff)
    text = (
        "*** Begin Patch\n*** Update File: src/b.py\n@@\n-a\n+b\n+c\n"
        "*** Add File: d\n+e\n*** End Patch"
    )
    patch = summary(called(_call("apply_patch", {"input": text})), None)
    assert (patch.target, patch.added, patch.removed) == ("src/b.py, d", 3, 1)
    write = summary(called(_call("Write", {"file_path": "a.py", "content": "1\n2\n"})), None)
    assert (write.added, write.removed) == (2, 0)
    broken = summary(called({"function": {"name": "x", "arguments": '{"cut": "o'}}), None)
    assert broken.target == '{"cut": "o'


def test_diffs_keep_the_lines_around_a_change() -> None:
    """Three of them, and a gap between two changes that are far apart."""
    before = "\n".join(map(str, range(30)))
    after = before.replace("2\n3\n", "2\n33\n").replace("25", "x")
    signs = "".join(line.sign for line in changed("f", before, after).lines)
    assert signs == "   -+   @   -+   "
    unified = "--- a/x.py\t1\n+++ b/x.py\t2\n@@ -1 +1 @@\n-a\n+b\n c\n"
    assert [(diff.path, diff.added, diff.removed) for diff in patched(f"\n{unified}")] == [
        ("x.py", 1, 1)
    ]
    assert patched("no patch\n+ at all") == []


def test_a_long_text_is_compared_in_no_quadratic_time() -> None:
    """It is shown as removed and added."""
    diff = changed("f", "a\n" * 5_000, "b\n" * 5_000)
    assert (diff.added, diff.removed, diff.left) == (5_000, 5_000, 9_600)


def test_parts_are_what_they_are() -> None:
    """Thoughts are folded, images in the message are shown, others are links; the rest is JSON."""
    png = "data:image/png;base64,AAAA"
    parts = [
        {"type": "thinking", "thinking": "**hm**\nwell"},
        {"type": "image_url", "image_url": {"url": png}},
        {"type": "image", "source": {"media_type": "image/png", "data": "AAAA"}},
        {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "javascript:1"}},
        {"type": "strange", "n": 1},
        {"type": "text", "text": "done"},
    ]
    blocks = entries([_view("a", "assistant", parts)], cwd=None)[0].blocks
    kinds = [type(block) for block in blocks]
    assert kinds == [Thinking, Image, Image, Link, Link, Code, Prose]
    assert isinstance(blocks[0], Thinking)
    assert blocks[0].line == "**hm**"
    assert blocks[3:5] == (Link("[image]", "http://x/y.png"), Link("[image]", None))


def test_markdown_is_what_it_says() -> None:
    """Code is coloured by classes, links leave without a trace, an image elsewhere is a link."""
    assert str(markdown("**a** `b`")) == "<p><strong>a</strong> <code>b</code></p>\n"
    assert '<span class="h-k">def</span>' in markdown("```py\ndef f(): pass\n```")
    assert str(markdown("[a](http://x)")) == (
        '<p><a href="http://x" rel="noopener noreferrer">a</a></p>\n'
    )
    assert ">[image: b]</a>" in markdown("![b](http://x/y.png)")
    assert "<br>" in markdown("a\nb", breaks=True)
    assert "<br>" not in markdown("a\nb")
    assert "\\u202e" in markdown("a &#x202e; b")
    assert "<th>" in markdown("|a|b|\n|-|-|\n|1|2|")
    assert "<tr>\n<td></td>\n<th>b</th>" in markdown("||b|\n|-|-|\n|1|2|")


def test_an_address_in_a_text_is_a_link() -> None:
    """One with a scheme of those that a page may link to; it is shown as it is written."""
    assert str(markdown("see https://a.example/x?y=1&z.")) == (
        '<p>see <a href="https://a.example/x?y=1&amp;z" rel="noopener noreferrer">'
        "https://a.example/x?y=1&amp;z</a>.</p>\n"
    )
    assert 'href="mailto:a@b.example"' in markdown("mailto:a@b.example")
    assert ">http://xn--e1awd7f.example/%20x</a>" in markdown("http://xn--e1awd7f.example/%20x")
    for text in ("setup.py", "www.a.example", "a@b.example", "//a.example", "1.2.3.4"):
        assert "<a" not in markdown(text)
    assert "<a" not in markdown("`https://a.example`")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:window.pwned=1",
        "JaVaScRiPt://x%0Awindow.pwned=1",
        "data:text/html,<script>1</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "blob:http://a.example/x",
        "view-source:http:x",
    ],
)
def test_no_other_address_is_a_link(address: str) -> None:
    """Alone, in a sentence, and behind one that is a link."""
    for text in (address, f"see {address}.", f"<{address}>", f"http://a.example {address}"):
        links = re.findall(r'<a href="([^"]*)"', markdown(text))
        assert [link for link in links if not link.startswith("http://a.example")] == []


def test_an_address_cannot_leave_its_attribute() -> None:
    """What could end it is encoded, or is no part of it."""
    for text in (
        'http://a.example/"onmouseover=window.pwned=1',
        "http://a.example/'><script>window.pwned=1</script>",
        "http://a.example/\u202etxt.exe",
        "http://a.example/\x00x",
        "http://a.example/[x](javascript:1)",
        "[http://a.example](http://b.example)",
        "http://user:pass@a.example@b.example/",
    ):
        found = str(markdown(text))
        assert re.sub(r'<a href="[^"<>]*" rel="noopener noreferrer">|</?(?:a|p)>', "", found) == (
            re.sub("<[^>]*>", "", found)
        )
        assert "\u202e" not in found
    assert markdown("[http://a.example](http://b.example)").count("<a ") == 1


@pytest.mark.parametrize(
    "text",
    [
        "http://" * 5_000,
        "http://a" * 5_000,
        "http://a.example/" + "(" * 30_000,
        "http://a.example/" + "a." * 15_000,
        "mailto:" * 5_000,
        "mailto:" + "a@" * 15_000,
        ":" * 39_000,
        "h" * 39_000 + "://",
        "http://" + "a" * 39_000,
        "http://[" * 4_000,
        "http://a.b " * 3_600,
        "http:// " * 4_900,
        "http://a.b\n" * 3_600,
        "(http://a.b" * 60 + " x" * 15_000,
    ],
    ids=lambda text: text[:10],
)
def test_addresses_are_found_in_no_quadratic_time(text: str) -> None:
    """Of the longest text that is read as Markdown, whatever it repeats."""
    began = time.process_time()
    markdown(text)
    assert time.process_time() - began < 2


def test_asides_are_folded_under_a_line() -> None:
    """The prompt of the system, and a long text that a program put in the place of a person."""
    long = [{"type": "text", "text": "the rules"}, {"type": "text", "text": "x" * 2_000}]
    found = entries(
        [
            _view("s", "system", "You are\nhelpful"),
            _view("m", "user", "note", meta="reminder"),
            _view("i", "user", long, meta="instructions"),
        ],
        cwd=None,
    )
    assert [(entry.kind, entry.folded, entry.speaker) for entry in found] == [
        ("aside", "You are", "system"),
        ("aside", None, "user (reminder)"),
        ("aside", "the rules", "user (instructions)"),
    ]
