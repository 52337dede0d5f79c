"""Forms of a word: other words with the same stem, among the words of the index.

There is no second index of stems. The forms that a word can have are made from its stem and the
endings of its language; those that have the stem and are in the index are searched for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from journal.process.fork import no_fork
from projector.search.recall.irregular import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ENDINGS = {
    "english": (
        " e s es ed d ing ings er ers or ors y ies ied ier iest est ion ions ation ations ition"
        " itions ment ments ly al ally able ible ables ability ness ive ives ity ities ance ances"
        " ence ences ant ent ants ents ize ized izes izing ise ised ises ising ization isation"
        " izer izers ate ates ated ating ator ators ative ational ic ics ical ically icate icates"
        " icated icating ication ications icator icators icity"
        " als ality eds ered ering ery ely ement ements ency encies ancy ancies ful fully fulness"
        " ibility abilities ally ioned ioning ional ionally izations isations ators atives atively"
        " ational ently ous ously ately eness eful"
    ),
    "german": (
        " e en er es em ern n s st t te ten tet ter tes tem test end ende enden ung ungen lich"
        " liche lichen ig ige igen isch ische ischen keit heit er ers erin bar ieren iert ierte"
        " ierten ierung ierungen"
    ),
    "french": (
        " e s es er ez ee ees es ent ons ions iez ais ait aient ant ante antes ants ement ements"
        " ment ments ation ations ateur ateurs ateurs euse euses eur eurs if ive ifs ives ir it"
        " is issent issant era erons eront erait age ages able ables ite ites al ale aux ales ion"
        " ions ure ures rice rices ance ances ence ences"
    ),
    "spanish": (
        " a as e es o os s ar er ir ado ada ados adas ido ida idos idas ando iendo amos emos imos"
        " aba aban aron ieron aste iste era eran ara aran aria arian cion ciones mente miento"
        " mientos able ables dor dores dora ivo iva ivos ivas idad idades"
    ),
    "italian": (
        " a e i o are ere ire ato ata ati ate uto uta uti ute ito ita iti ite ando endo iamo ava"
        " avano iva ivano era eranno arono zione zioni mento menti mente abile abili tore tori"
        " trice ivo iva ivi ive ita"
    ),
    "portuguese": (
        " a as e es o os s ar er ir ado ada ados adas ido ida idos idas ando endo indo amos emos"
        " imos ava avam aram eram iram ou eu iu cao coes mente mento mentos avel aveis dor dores"
        " dora ivo iva ivos ivas idade idades"
    ),
    "dutch": (
        " e en s t te ten d de den er ers ing ingen heid lijk lijke je jes baar bare eren eert"
        " eerde eerden atie aties"
    ),
}
"""What follows the stem of a word in its forms, separated by spaces; the empty ending first."""

_SHORTEST, _LONGEST = 2, 40
"""Letters of the shortest and the longest word whose forms are looked for."""
_VOWELS = frozenset("aeiouy")


def forms(word: str, language: str) -> tuple[str, ...]:
    """Return the word, and what may be other forms of it.

    Args:
        word: in the spelling of the index: lower case, without diacritics.
        language: one of `projector.search.recall.grammar.GRAMMAR`.
    """
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha() or not word.isascii():
        return (word,)
    stem = _stemmer(language)
    own = stem(word)
    stems = {own: None}
    found = {word: None}
    if language == "english":
        irregular = _irregular().get(own, ())
        found |= dict.fromkeys(irregular)
        stems |= dict.fromkeys(map(stem, irregular))
        stems |= dict.fromkeys(_of_ify(own))
    for each in stems:
        found |= dict.fromkeys(form for form in _possible(each, language) if stem(form) == each)
    return tuple(found)


def _of_ify(stem: str) -> Iterator[str]:
    """Yield the stem of `notification` for that of `notify`, and the other way round."""
    if stem.endswith("ifi"):
        yield stem[:-1]
    elif stem.endswith("if"):
        yield f"{stem}i"


def _possible(stem: str, language: str) -> Iterator[str]:
    """Yield words that may have this stem."""
    bases = [stem]
    if stem[-1:] == "i":  # retri: retry, retries
        bases.append(f"{stem[:-1]}y")
    elif language == "english" and stem[-1:] == "e":  # write: writing; agre: agreeing
        bases += [stem[:-1], f"{stem}e"]
        if stem[-2:] == "ie":  # die: dying
            bases.append(f"{stem[:-2]}y")
    elif language in ("english", "dutch") and stem[-1:] not in _VOWELS:
        bases.append(stem + stem[-1:])  # plan: planned, planning
        if stem[-2:] == "bl":  # visibl: visibility
            bases.append(f"{stem[:-1]}il")
    for base in bases:
        for ending in _endings(language):
            yield base + ending


@cache
def _endings(language: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_ENDINGS[language].split(" ")))


@cache
def _irregular() -> dict[str, tuple[str, ...]]:
    """Return the irregular words of English by the stems of their forms.

    A stem may be that of two words: `leav` is one of `leave` and of `leaf`.
    """
    stem = _stemmer("english")
    found: dict[str, dict[str, None]] = {}
    for word, group in GROUPS.items():
        found.setdefault(stem(word), {}).update(dict.fromkeys(group))
    return {each: tuple(words) for each, words in found.items()}


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Return the function that returns the stem of a word of a language."""
    with no_fork.turn:
        from Stemmer import Stemmer  # noqa: PLC0415 - most searches need none

    stem: Callable[[str], str] = Stemmer(language, 0).stemWord  # its cache costs more than it saves
    return stem
