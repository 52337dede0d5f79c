"""Grammar words: what a question is made of, and not what it is about.

The lists hold articles, pronouns, auxiliary verbs, prepositions, conjunctions and question words,
in the spelling of the index: lower case, without diacritics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

GRAMMAR = {
    "english": (
        "a about after again against all also am an and any anybody anyone anything are aren as at"
        " be because been before being between both but by can cannot could couldn d did didn do"
        " does doesn doing don done during each either ever every few for from further get got had"
        " hadn has hasn have haven having he her here hers herself him himself his how i if in into"
        " is isn it its itself just ll m may me might mine more most much must my myself neither no"
        " nor not now of off on once only or other our ours out over own please re s same shall she"
        " should shouldn so some such t than that the their theirs them themselves then there these"
        " they this those through to too under until up upon us ve very via was wasn we were weren"
        " what whatever when where whether which while who whom whose why will with within without"
        " won would wouldn y you your yours yourself"
    ),
    "german": (
        "aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da"
        " dabei damit dann daran darauf daraus darin darum das dass dein deine dem den denn der des"
        " dessen die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen"
        " einer eines er es etwas euch euer fur gegen gewesen haben hat hatte hatten hier hin ich"
        " ihm ihn ihnen ihr ihre ihrem ihren im in ins ist ja jede jedem jeden jeder jedes jetzt"
        " kann kein keine keinem keinen keiner konnen konnte man mehr mein meine mich mir mit muss"
        " mussen nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen"
        " seiner selbst sich sie sind so sollte sollten uber um und uns unser unsere unter vom von"
        " vor war waren warum was wegen weil welche welchem welchen welcher welches wenn wer werden"
        " wessen wie wieder wir wird wo wurde wurden zu zum zur zwar zwischen"
    ),
    "french": (
        "a ai as au aussi aux avaient avait avec avez avoir avons c ce cela ces cet cette ceux"
        " chez comme comment d dans de des donc dont du elle elles en entre es est et etaient etait"
        " ete etes etre eu faire fait ici il ils j je l la le les leur leurs lui m ma mais me mes"
        " moi mon n ne nos notre nous on ont ou par pas plus pour pourquoi qu quand que quel quelle"
        " quelles quels qui quoi s sa sans se ses si sommes son sont sous sur t ta te tes toi ton"
        " tous tout toute toutes tres tu un une va vers vos votre vous y"
    ),
    "spanish": (
        "a al algo ante antes aquel aquella asi aun aunque cada como con contra cual cuales cuando"
        " de del desde donde dos e el ella ellas ellos en entre era eran eres es esa esas ese eso"
        " esos esta estaba estan estas este esto estos fue fueron ha han hasta hay he hemos hicimos"
        " la las le les lo los mas me mi mis mucho muy nada ni no nos nosotros nuestra nuestro o os"
        " otra otro para pero por porque pues que quien quienes se ser si sin sobre son su sus"
        " tambien tan te tenia tiene todo todos tu tus un una unas uno unos y ya yo"
    ),
    "italian": (
        "a ad agli ai al alla alle allo anche c che chi ci cio come con contro cosa cui da dagli"
        " dai dal dalla dalle de degli dei del dell della delle dello di dove e ed era erano essere"
        " fra gli ha hai hanno ho i il in io l la le lei li lo loro lui ma mi mia mio ne negli nei"
        " nel nella nelle no noi non nostra nostro o per perche piu quale quali quando quanto"
        " quella quelle quelli quello questa queste questi questo se sei si sia sono sta stato su"
        " sua sugli sui sul sulla suo tra tu tua tuo tutti tutto un una uno vi voi"
    ),
    "portuguese": (
        "a ao aos aquela aquele as ate com como da das de dela dele depois do dos e ela elas ele"
        " eles em entre era eram essa esse esta estamos estao estava este eu foi foram ha isso isto"
        " ja lhe mais mas me mesmo meu minha muito na nao nas nem no nos nossa nosso num numa o os"
        " ou para pela pelas pelo pelos por porque qual quais quando que quem se sem ser seu seus"
        " so sobre sua suas tambem te tem tinha tu um uma umas uns voce voces"
    ),
    "dutch": (
        "aan al alle als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus"
        " een en er ge geen geweest haar had heb hebben heeft hem het hier hij hoe hun ik in is ja"
        " je kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om ons"
        " onze ook op over te tegen toch toen tot u uit van veel voor waarom want waren was wat"
        " we wel welke werd wezen wie wij wil worden zal ze zelf zich zij zijn zo zonder zou"
    ),
}
"""The grammar words of each language, separated by spaces; English first."""

_WORDS = {language: frozenset(words.split()) for language, words in GRAMMAR.items()}

# fmt: off
CJK_GRAMMAR = frozenset({
    "我们", "你们", "他们", "什么", "怎么", "为什", "么么", "这个", "那个", "哪个", "哪些",
    "是不", "不是", "有没", "没有", "如何", "为何", "因为", "所以", "可以", "的是", "上次",
    "之前", "时候", "了吗", "的吗", "们的", "们是", "们在", "でし", "した", "です", "ます",
    "まし", "どう", "なぜ", "たか", "すか", "ょう", "った", "って", "いた",
    "いる", "ある", "この", "その", "あの", "どの", "ため", "から", "まで", "こと", "もの",
    "ので", "とき", "何を", "何が", "何で",
})
# fmt: on
"""Pairs of characters that Chinese and Japanese questions are made of."""


def language_of(words: Collection[str]) -> str:
    """Return the language with the most grammar words among these; English if none has more."""
    asked = set(words)
    return max(_WORDS, key=lambda language: len(asked & _WORDS[language]))


def is_grammar(word: str, language: str) -> bool:
    """Return whether a word, in the spelling of the index, is a grammar word of a language."""
    return word in _WORDS[language] or word in CJK_GRAMMAR
