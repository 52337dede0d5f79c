"""English words whose forms share no stem: `went` is a form of `go`, and `decision` of `decide`."""

from __future__ import annotations

_FORMS = """
be am are is was were been; beat beaten; become became; begin began begun; bend bent; bind bound;
bite bit bitten; bleed bled; blow blew blown; break broke broken; bring brought; build built; burn
burnt; buy bought; catch caught; choose chose chosen
choice; cling clung; come came; creep crept; deal
dealt; dig dug; do did done does; draw drew drawn; dream dreamt; drink drank drunk; drive drove
driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled;
fly flew flown flies; forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven;
freeze froze frozen; get got gotten; give gave given; go went gone goes; grind ground; grow grew
grown; hang hung; have had has; hear heard; hide hid hidden; hold held; keep kept; know knew
known; lay laid; lead led; lean leant; leap leapt; learn learnt; leave left; lend lent; lie lain;
light lit; lose lost; make made; mean meant; meet met; mistake mistook mistaken; overcome
overcame; overwrite overwrote overwritten; pay paid; plead pled; prove proven; rebuild rebuilt;
rerun reran; resend resent; rethink rethought; rewrite rewrote rewritten; ride rode ridden; ring
rang rung; rise rose risen; run ran; say said; see saw seen; seek sought; sell sold; send sent;
shake shook shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung;
sink sank sunk; sit sat; sleep slept; slide slid; speak spoke spoken; speed sped; spell spelt;
spend spent; spin spun; spring sprang sprung; stand stood; steal stole stolen; stick stuck; sting
stung; strike struck; swear swore sworn; sweep swept; swim swam swum; swing swung; take took
taken; teach taught; tear tore torn; tell told; think thought; throw threw thrown; undergo
underwent undergone; understand understood; undo undid undone; wake woke woken; wear wore worn;
weave wove woven; weep wept; win won; wind wound; withdraw withdrew withdrawn; write wrote
written; child children; foot feet; goose geese; half halves; knife knives; leaf leaves; life
lives; man men; mouse mice; person people; self selves; shelf shelves; thief thieves; tooth teeth;
wife wives; wolf wolves; woman women; analysis analyses; appendix appendices; axis axes; basis
bases; criterion criteria; crisis crises; datum data; hypothesis hypotheses; index indices
indexes; matrix matrices; phenomenon phenomena; schema schemata schemas; synthesis syntheses;
thesis theses; vertex vertices; bad worse worst; good better best; far further furthest; little
less least;
acquire acquisition; admit admission; apply application; assume assumption; collide collision;
compare comparison; conclude conclusion; consume consumption; convert conversion; create creation;
decide decision; define definition; describe description; destroy destruction; divide
division; evolve evolution; exclude exclusion; expand expansion; explain explanation; expose
exposure; extend extension; fail failure; include inclusion; introduce introduction; invert
inversion; maintain maintenance; multiply multiplication; omit omission; permit permission; produce
production; reduce reduction; repeat repetition; resolve resolution; respond response; retain
retention; submit submission; subscribe subscription; succeed success;
suspend suspension; transmit transmission
"""

GROUPS: dict[str, tuple[str, ...]] = {
    word: group
    for group in (tuple(line.split()) for line in _FORMS.replace("\n", " ").split(";"))
    for word in group
}
"""For each such word all forms of its word, itself among them."""
