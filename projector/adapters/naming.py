"""Names of sessions and keys that are made of several texts."""

from __future__ import annotations

from urllib.parse import quote, unquote


def joined(*parts: str) -> str:
    """Return the texts with `/` between them.

    In a text a `/`, a `%` and what cannot be printed are written as in a URL: `%2F`.
    """
    return "/".join(map(_escaped, parts))


def _escaped(part: str) -> str:
    if part.isprintable() and "/" not in part and "%" not in part:
        return part
    # a lone surrogate stays: the journal names it when it refuses the name
    return "".join(
        quote(char, safe="", errors="surrogatepass")
        if char in "%/" or not (char.isprintable() or "\ud800" <= char <= "\udfff")
        else char
        for char in part
    )


def split(name: str) -> list[str]:
    """Return the texts that `joined` made a name of."""
    return [unquote(part) for part in name.split("/")]
