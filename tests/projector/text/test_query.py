"""Queries as people type them, and the FTS5 expressions that they become."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from projector.errors import QueryError
from projector.text.normalize import fold, is_cjk, units
from projector.text.query import MAX_WORDS, Query, parse
from projector.text.query_tree import MAX_DEPTH
from projector.text.term import Term
from tests.projector.text.test_normalize import answered, found, full_text, mixed

Document = frozenset[str]
Rule = Callable[[Document], bool]

WORDS = ("alpha", "beta", "c++", "c#", "北京", "手机")
typed = st.text(
    st.sampled_from(list('ab机京 ""()()**-:^+{}.,\'\0\t\n🎉“”（）＊_ANDORT')) | st.characters(),
    max_size=60,
) | st.lists(
    st.sampled_from(
        [
            "AND",
            "OR",
            "NOT",
            "NEAR",
            "NEAR(",
            "(",
            ")",
            '"',
            "*",
            "a",
            "机",
            "text:",
            "-",
            "a*",
            "''",
        ]
    ),
    max_size=30,
).map(" ".join)


@pytest.mark.parametrize(
    ("query", "match"),
    [
        # words and phrases
        ("docker compose", '"docker" AND "compose"'),
        ('"docker compose" up', '"docker compose" AND "up"'),
        ("“docker compose” „up“", '"docker compose" AND "up"'),
        ('"docker compose', '"docker compose"'),
        ('5" pipe', '"5" AND "pipe"'),
        ('key="two words"', '"key two" AND "words"'),
        ("don't", '"don t"'),
        # identifiers
        ("get_user_name", '"get user name"'),
        ("P2.2", '"P2 2"'),
        ("chat-send", '"chat send"'),
        ("path/to/file.py", '"path to file py"'),
        ("foo::bar()", '"foo bar"'),
        ("a@b.com", '"a b com"'),
        ("C:\\dir", '"C dir"'),
        ("#123", '"123"'),
        ("--force", '"force"'),
        ("grep -v", '"grep" AND "v"'),
        ("key=value", '"key value"'),
        ("f(x)", '"f x"'),
        ("print(a, b)", '"print a" AND "b"'),
        # prefixes
        ("comp*", '"comp"*'),
        ("get_us*", '"get us"*'),
        ('"docker comp"*', '"docker comp"*'),
        ('"docker comp*"', '"docker comp"*'),
        ("foo*bar", '"foo"* AND "bar"'),
        ("src/*.py", '"src" AND "py"'),
        ("*foo", '"foo"'),
        ("foo * bar", '"foo" AND "bar"'),
        ("foo.*", '"foo"'),
        ("ｆｏｏ＊", '"foo"*'),
        # Chinese, Japanese, Korean
        ("机", '"机"*'),
        ("北京", '"北京"'),
        ("北京市", '"北京 京市"'),
        ("北京*", '"北京"'),
        ('"颐和园"', '"颐和 和园"'),
        ("iPhone手机壳", '"iPhone 手机 机壳"'),
        ("iPhone手", '"iPhone 手"*'),
        ("手机壳abc", '"手机 机壳 壳 abc"'),
        ("手机v*", '"手机 机 v"*'),
        ('"手机 壳"', '"手机 机 壳"*'),
        ("ｶﾞｷﾞ", '"ガギ"'),
        # operators
        ("a AND b OR c", '("a" AND "b") OR "c"'),
        ("a OR b c", '"a" OR ("b" AND "c")'),
        ("(a OR b) c", '("a" OR "b") AND "c"'),
        ("a NOT b", '"a" NOT "b"'),
        ("a AND NOT b", '"a" NOT "b"'),
        ("NOT b a", '"a" NOT "b"'),
        ("NOT(b) a", '"a" NOT "b"'),
        ("a NOT b OR c", '("a" NOT "b") OR "c"'),
        ("a NOT b NOT c", '"a" NOT ("b" OR "c")'),
        ("a b NOT c", '("a" AND "b") NOT "c"'),
        ("a NOT b c", '("a" AND "c") NOT "b"'),
        ("NOT NOT a", '"a"'),
        ("x (a OR NOT b)", '"x" NOT ("b" NOT "a")'),
        ("a and b or not c", '"a" AND "and" AND "b" AND "or" AND "not" AND "c"'),
        ("a AND\u3000b", '"a" AND "b"'),
        # operators without operands are words
        ("AND gate", '"AND" AND "gate"'),
        ("rock AND", '"rock" AND "AND"'),
        ("OR", '"OR"'),
        ("NOT", '"NOT"'),
        ("NOT AND", '"NOT" AND "AND"'),
        ("a OR OR b", '("a" AND "OR") OR "b"'),
        ("NEAR(a b)", '"NEAR a" AND "b"'),
        ("text:foo", '"text foo"'),
        ("^a + b", '"a" AND "b"'),
        # parentheses that do not match
        ("(a", '"a"'),
        ("a)", '"a"'),
        ("a ) b", '"a" AND "b"'),
        ("() a", '"a"'),
        ("(a OR f(b)) c", '("a" OR "f b") AND "c"'),
        ("(f(b) OR a) c", '("f b" OR "a") AND "c"'),
        ("（北京 OR 上海） 天气", '("北京" OR "上海") AND "天气"'),
        ("(" * 5000 + "a" + ")" * 5000, '"a"'),
        # characters that cannot be searched
        ("rocket 🚀", '"rocket"'),
        ("a -- b", '"a" AND "b"'),
        ("a NOT 🎉", '"a"'),
        ("🎉 OR a", '"a"'),
        ("a\0b", '"a b"'),
        ("a a A", '"a" AND "A"'),
    ],
)
def test_the_grammar(query: str, match: str) -> None:
    """Each rule of the grammar gives the expected FTS5 expression."""
    assert parse(query).match == match


@pytest.mark.parametrize("query", ["", "  ", "*", '""', "🎉", "()", "-- ...", "\0", "((", "\udc80"])
def test_a_query_with_nothing_to_search_for_is_refused_with_help(query: str) -> None:
    """The message has the given query, and says what a query may contain."""
    with pytest.raises(QueryError, match=r"nothing to search for in .* A query holds words"):
        parse(query)


@pytest.mark.parametrize(
    ("query", "hint"),
    [("🎉", "(in quotes it is searched: '\"🎉\"')"), ("***", None), ("🎉" * 61, None)],
)
def test_what_is_found_only_in_quotes_is_shown_with_them(query: str, hint: str | None) -> None:
    """A symbol alone is no word: who searches it learns what to type."""
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert hint in str(raised.value) if hint else "quotes it" not in str(raised.value)


@pytest.mark.parametrize("query", ["NOT a", "a OR NOT b", "NOT (a b)", "NOT a NOT b"])
def test_a_query_that_only_excludes_is_refused(query: str) -> None:
    """An index cannot rank everything except a word; the message says how to ask instead."""
    with pytest.raises(QueryError, match="only exclusions"):
        parse(query)


def test_a_query_of_too_many_words_is_refused_and_says_how_many() -> None:
    """The bound is exact and counts CJK characters; the error shows a long query shortened."""
    assert parse(" ".join(f"w{number}" for number in range(MAX_WORDS))).match
    assert parse("机" * MAX_WORDS).match
    for query in (" ".join(f"w{number}" for number in range(MAX_WORDS + 1)), "机" * 2001):
        with pytest.raises(QueryError, match=r"holds 2,001 words; at most 2,000") as caught:
            parse(query)
        assert len(str(caught.value)) < 250


def answer(query: str) -> Query | QueryError:
    """Return the parsed query, or the reason why it is refused."""
    try:
        return parse(query)
    except QueryError as error:
        return error


def nested(depth: int, shape: str) -> str:
    """Return a query whose groups alternate `depth` times."""
    query = "a"
    for _ in range(depth // 2):
        query = {
            "and-or": f"b (c OR (d {query}))",
            "not": f"b c NOT (d NOT ({query}))",
            "or-not": f"(b OR (c d NOT e)) f NOT (g OR (h {query} NOT i))",
        }[shape]
    return query


@pytest.mark.parametrize("shape", ["and-or", "not", "or-not"])
def test_fts5_parses_every_nesting_that_is_allowed(shape: str) -> None:
    """The bound on depth is below the depth that overflows FTS5's parser; more is refused."""
    db = full_text(["a b c d f"])
    answered, refused = 0, 0
    for depth in range(2, 4 * MAX_DEPTH, 2):
        query = answer(nested(depth, shape))
        if isinstance(query, QueryError):
            assert "Take out parentheses" in str(query)
            refused += 1
            continue
        assert not refused
        found(db, query.match)
        answered += 1
    assert answered >= MAX_DEPTH // 4
    assert refused


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "(" * 100_000,
        ")" * 100_000,
        '"' * 100_001,
        "*" * 100_000,
        "NOT " * 25_001 + "a",
        "OR " * 30_000,
        "a" * 100_000,
        "a " * 50_000,
        "a*" * 50_000,
        "a(" * 50_000,
        "(a OR " * 20_000,
        "(a (b OR " * 10_000,
        "a NOT (" * 10_000,
        "机 " * 30_000,
        "\udcff\0" * 50_000,
    ],
    ids=lambda query: f"{query[:10]!a}",
)
def test_a_hundred_kilobytes_of_anything_get_an_answer(query: str) -> None:
    """Long and hostile input is answered or refused within a second."""
    parsed = answer(query)
    if isinstance(parsed, QueryError):
        assert len(str(parsed)) < 350
    else:
        found(full_text(["a OR not"]), parsed.match)


def test_a_token_longer_than_fts5_stores_is_found() -> None:
    """FTS5 cuts tokens at 32 KiB in the index and in the query alike."""
    word = "x" * 100_000
    assert found(full_text([word]), parse(word).match) == {0}


@given(typed | st.text())
def test_any_text_is_a_query_or_a_query_error(query: str) -> None:
    """Every text is either parsed or refused with a QueryError; none is a syntax error in FTS5."""
    parsed = answer(query)
    if isinstance(parsed, QueryError):
        assert str(parsed).endswith(".")
        return
    answered(["a b 机京 AND or not"], parsed)
    assert parsed.terms
    parsed.text.encode()


@given(st.text() | mixed)
@example("foo🤔 bar")
@example("か\u3099ﾞ゙")
def test_a_text_is_found_by_each_of_its_words_and_by_itself(text: str) -> None:
    """Every part of a text finds it, quoted or word by word."""
    db = full_text([text])
    words = units(text)
    for word in words:
        assert found(db, parse(f'"{word}"').match) == {0}
    if words:
        quotable = "".join(" " if char in '"“”„‟＂' else char for char in text)
        assert found(db, parse(f'"{quotable}"').match) == {0}


@given(st.lists(mixed, min_size=1, max_size=6), mixed.filter(lambda text: bool(units(text))))
@example(["iPhone手机壳!", "iPhone 手机壳", "Phone手机", "iPhone手 机"], "iPhone手机")
@example(["手机壳 x", "手机 x", "手机壳x", "机壳, y x"], "机壳 x")
def test_a_phrase_matches_the_texts_in_which_its_words_follow_each_other(
    texts: list[str], query: str
) -> None:
    """FTS5 with character pairs finds what a plain scan finds, in any mix of scripts."""
    query = query.replace('"', " ").replace("*", " ")
    wanted = scannable(query)[1:] if is_cjk(units(query)[0]) else scannable(query)
    if is_cjk(units(query)[-1]):
        wanted = wanted[:-1]
    containing = {row for row, text in enumerate(texts) if wanted in scannable(text)}
    assert found(full_text(texts), parse(f'"{query}"').match) == containing


@given(st.lists(mixed, min_size=1, max_size=6), mixed)
def test_a_prefix_matches_the_texts_in_which_a_word_begins_so(texts: list[str], query: str) -> None:
    """A star matches the rest of the last word, in words of one script."""
    words = [word for word in units(query) if not is_cjk(word)]
    assume(words)
    beginning = scannable(words[0])[:-1]
    containing = {row for row, text in enumerate(texts) if beginning in scannable(text)}
    assert found(full_text(texts), parse(f'"{words[0]}"*').match) == containing


def scannable(text: str) -> str:
    """Return the words of a text between `<` and `>`, and its CJK runs between `[` and `]`."""
    return "".join(f"[{unit}]" if is_cjk(unit) else f"<{plain(unit)}>" for unit in units(text))


def plain(word: str) -> str:
    """Return a word folded, without combining marks that have no base character."""
    return "".join(char for char in fold(word) if char not in "\u0301\u0323")


words = st.sampled_from(WORDS).map(lambda word: (word, lambda document: word in document))


def both(parts: list[tuple[str, Rule]], operator: str) -> tuple[str, Rule]:
    """Return the conjunction of sub-queries, and a function that evaluates it."""
    query = operator.join(f"({query})" for query, _ in parts)
    return query, lambda document: all(rule(document) for _, rule in parts)


def either(parts: list[tuple[str, Rule]]) -> tuple[str, Rule]:
    """Return the disjunction of sub-queries, and a function that evaluates it."""
    query = " OR ".join(f"({query})" for query, _ in parts)
    return query, lambda document: any(rule(document) for _, rule in parts)


def negation(part: tuple[str, Rule]) -> tuple[str, Rule]:
    """Return the negation of a sub-query, and a function that evaluates it."""
    return f"NOT ({part[0]})", lambda document: not part[1](document)


booleans = st.recursive(
    words,
    lambda inner: (
        st.builds(both, st.lists(inner, min_size=1, max_size=3), st.sampled_from([" AND ", " "]))
        | st.builds(either, st.lists(inner, min_size=1, max_size=3))
        | st.builds(negation, inner)
    ),
    max_leaves=12,
)
documents = st.lists(st.frozensets(st.sampled_from(WORDS)), min_size=1, max_size=8)


@given(booleans, documents)
def test_operators_mean_what_logic_says(query: tuple[str, Rule], texts: list[Document]) -> None:
    """Any combination of AND, OR and NOT finds exactly the documents for which it is true.

    A combination that is true for a document without any of the words is refused, because it cannot
    be answered from an index of words.
    """
    text, rule = query
    parsed = answer(text)
    if isinstance(parsed, QueryError):
        assert rule(frozenset())
        assert "only exclusions" in str(parsed)
        return
    wanted = {row for row, document in enumerate(texts) if rule(document)}
    assert answered([" ".join(sorted(document)) for document in texts], parsed) == wanted


@given(st.lists(st.tuples(st.sampled_from(["", "NOT "]), words), min_size=1, max_size=4), documents)
@pytest.mark.slow
def test_binding_without_parentheses(
    items: list[tuple[str, tuple[str, Rule]]], texts: list[Document]
) -> None:
    """NOT binds tightest, then AND whether written or not, then OR."""
    left, right = items[: len(items) // 2], items[len(items) // 2 :]
    query = " OR ".join(
        " ".join(f"{negated}{word}" for negated, (word, _) in group)
        for group in (left, right)
        if group
    )
    parsed = answer(query)
    if isinstance(parsed, QueryError):
        assert any(all(negated for negated, _ in group) for group in (left, right) if group)
        return
    wanted = {
        row
        for row, document in enumerate(texts)
        if any(
            all((word in document) != bool(negated) for negated, (word, _) in group)
            for group in (left, right)
            if group
        )
    }
    assert answered([" ".join(sorted(document)) for document in texts], parsed) == wanted


def test_terms_are_the_words_that_are_not_excluded() -> None:
    """Highlighting gets the words in the order of the query, once each, without excluded ones."""
    query = parse('b (a OR "c 手机" OR b) d* NOT (e OR f) NOT (g NOT h)')
    assert query.terms == (
        Term(("b",)),
        Term(("a",)),
        Term(("c", "手机")),
        Term(("d",), prefix=True),
    )
    assert query.text.startswith("b (a")


def test_the_original_text_is_kept_so_that_it_can_be_printed() -> None:
    """Bytes that are no text are printed as replacement characters."""
    assert parse("a\udcff b").text == "a\ufffd b"
