"""The conversation of eight made-up agents: the same text for the same arguments.

They build Tidebook, a small program that reads tide tables, in seven languages. All of it was made
up for the demonstration.
"""
# ruff: noqa: RUF001 - Chinese has a comma and a colon of its own

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.demo.scenes import SCENES

_BEGINNING = 1_772_442_000_000_000
"""Microseconds: the second of March 2026, nine o'clock in Greenwich."""
_BETWEEN = 7_000_000
"""Microseconds between two messages."""
_ROUNDS = 2


class Agent(NamedTuple):
    """A participant: name, language, and the role of its messages."""

    name: str
    language: str
    role: str


AGENTS = (
    Agent("mara", "en", "user"),
    Agent("ling", "zh", "assistant"),
    Agent("sora", "ja", "assistant"),
    Agent("haneul", "ko", "assistant"),
    Agent("jonas", "de", "assistant"),
    Agent("claire", "fr", "assistant"),
    Agent("paola", "es", "assistant"),
    Agent("otto", "log", "tool"),
)


class _Topic(NamedTuple):
    title: str
    name: str
    path: str
    words: dict[str, str]


def _topic(title: str, name: str, path: str, words: str) -> _Topic:
    languages = ("en", "zh", "ja", "ko", "de", "fr", "es")
    return _Topic(title, name, path, dict(zip(languages, words.split("|"), strict=True)))


_TOPICS = (
    _topic(
        "Reading tide tables",
        "read_tide_table",
        "src/tidebook/tables.py",
        "tide table|潮汐表|潮位表|조석표|Gezeitentafel|table des marées|tabla de mareas",
    ),
    _topic(
        "Which station is this?",
        "parse_station_id",
        "src/tidebook/stations.py",
        "station number|站点编号|観測所の番号|관측소 번호|Stationsnummer|numéro de station"
        "|número de estación",
    ),
    _topic(
        "Local time and summer time",
        "to_local_time",
        "src/tidebook/clock.py",
        "time zone|时区|時間帯|시간대|Zeitzone|fuseau horaire|zona horaria",
    ),
    _topic(
        "Storm warnings",
        "send_storm_warning",
        "src/tidebook/alerts.py",
        "storm warning|风暴警报|暴風警報|폭풍 경보|Sturmwarnung|alerte de tempête"
        "|aviso de temporal",
    ),
    _topic(
        "A cache that forgets",
        "drop_stale_rows",
        "src/tidebook/cache.py",
        "local cache|本地缓存|キャッシュ|로컬 캐시|Zwischenspeicher|cache local|caché local",
    ),
    _topic(
        "The map of the coast",
        "draw_coast_map",
        "web/map/coast.ts",
        "coast map|海岸地图|海岸地図|해안 지도|Küstenkarte|carte côtière|mapa de la costa",
    ),
    _topic(
        "Lighthouses",
        "list_lighthouses",
        "src/tidebook/lights.py",
        "lighthouse|灯塔|灯台|등대|Leuchtturm|phare|faro",
    ),
    _topic(
        "Trying again, politely",
        "retry_with_backoff",
        "src/tidebook/net.py",
        "second try|重试|再試行|재시도|zweiter Versuch|nouvelle tentative|reintento",
    ),
    _topic(
        "Finding a harbour by name",
        "match_harbour_name",
        "src/tidebook/harbours.py",
        "harbour name|港口名称|港の名前|항구 이름|Hafenname|nom du port|nombre del puerto",
    ),
    _topic(
        "The first release",
        "cut_release",
        "tools/release.sh",
        "release|发布|リリース|배포|Veröffentlichung|publication|publicación",
    ),
)

_SENTENCES = {
    "en": (
        "Next is the {word}: can {name} do it in one pass? Row {n} is the odd one.",
        "I looked at {path} again; {other} is called {n} times, and twice would do.",
        "Please keep {name} small. The {word} is all it should know about.",
        "Agreed, {n} ms is fine for a {word}. Write it down in the notes, then go on.",
        "What happens to {name} when line {n} is empty? Nobody has said so far.",
    ),
    "zh": (
        "{name} 已经改好了，{word}第 {n} 行现在能正确读取。",
        "我建议把 {other} 移到 {path}，这样{word}只处理一次。",
        "{word}的测试用了 {n} 毫秒，比昨天快了一半。",
        "这里有个问题：{name} 收到空行时会返回第 {n} 条记录。",
        "同意。先修复{word}，再看 {other} 的第 {n} 种情况。",
    ),
    "ja": (
        "{name} を直しました。{word}の {n} 行目も読めます。",
        "{path} を見ましたが、{other} は {n} 回も呼ばれています。",
        "{word}の表示は {n} ミリ秒で終わります。問題ありません。",
        "空の行が来たとき、{name} は何を返すべきでしょうか。例は {n} 番です。",
        "了解です。{word}の画面は今日中に {other} へつなぎます。",
    ),
    "ko": (
        "{name} 함수를 고쳤습니다. 이제 {word} {n}번째 줄도 읽습니다.",
        "{path} 파일에서 {other} 호출이 {n}번 반복됩니다.",
        "{word} 검색은 {n}밀리초 걸립니다. 충분히 빠릅니다.",
        "빈 줄이 들어오면 {name} 함수는 무엇을 돌려줘야 하나요? {n}번 예를 보세요.",
        "좋습니다. {word} 작업을 끝내고 {other} 쪽으로 넘어가겠습니다.",
    ),
    "de": (
        "Der Test für {name} ist grün; die {n}. Zeile der Probe war falsch. ({word})",
        "{other} in {path} läuft {n}-mal, obwohl einmal genügt.",
        "Zum Thema {word}: {n} ms im Mittel, keine Ausreißer über Nacht.",
        "Ich habe {name} mit {n} leeren Zeilen gefüttert. Es bleibt ruhig.",
        "Einverstanden, erst {word}, danach nehme ich mir {other} vor.",
    ),
    "fr": (
        "La page sur {name} est écrite ; il manque l'exemple numéro {n} ({word}).",
        "Dans {path}, j'ai décrit {other} en {n} lignes, pas une de plus.",
        "Pour « {word} », je propose une note courte : {n} ms, mesuré hier soir.",
        "Que dit-on au lecteur quand {name} ne trouve rien à la ligne {n} ?",
        "D'accord. Je relis tout ce qui touche à « {word} », puis {other}.",
    ),
    "es": (
        "Revisado {name}: la línea {n} queda más clara así. ({word})",
        "En {path} sobra una llamada a {other}; quedan {n}.",
        "Sobre «{word}»: {n} ms me parece bien, sigamos.",
        "¿Por qué {name} acepta la fila {n} si está vacía?",
        "De acuerdo, apruebo «{word}» y mañana miro {other}.",
    ),
    "log": (
        "$ pytest -q -k {name}\n{n} passed in 0.{n}s",
        "$ ruff check {path}\nAll checks passed ({n} rules)",
        "$ wc -l {path}\n{n} {path}",
        "$ time python -c 'import tidebook; tidebook.{name}()'\nreal 0m0.{n}s",
        "$ git diff --stat\n {path} | {n} ++--\n 1 file changed ({other})",
    ),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its key, and its data as `Journal.append` takes it."""

    session: str
    id: str
    data: dict[str, Any]


class Conversation:
    """The authors and texts, for a number of messages of each agent."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        threads = len(_TOPICS) * _ROUNDS
        self._turns = -(-messages // threads)
        # a scene is one turn of all agents, in the middle of its thread
        self._scenes = {
            thread * self._turns + self._turns // 2: scene for thread, scene in SCENES.items()
        }

    def sessions(self) -> list[dict[str, Any]]:
        """Return the events that set the titles of the conversation's threads."""
        threads = -(-self.messages // self._turns)
        return [
            {
                "session": _session(thread),
                "id": "created",
                "type": "session.created",
                "data": {"title": _title(thread), "source": "demo", "started": _BEGINNING},
            }
            for thread in range(threads)
        ]

    def message(self, seat: int, turn: int) -> Message:
        """Return the message of the agent at a seat in a turn, both counted from 0."""
        agent, thread = AGENTS[seat], turn // self._turns
        topic = _TOPICS[thread % len(_TOPICS)]
        scene = self._scenes.get(turn)
        content = _sentence(agent, topic, seat, turn) if scene is None else scene[seat]
        data: dict[str, Any] = {
            "role": agent.role,
            "content": content,
            "source": agent.name,
            "timestamp": _BEGINNING + (turn * len(AGENTS) + seat) * _BETWEEN,
        }
        if agent.role == "tool":
            data["tool_name"] = "terminal"
        return Message(_session(thread), f"{agent.name}-{turn:05}", data)


def _session(thread: int) -> str:
    return f"tidebook-{thread + 1:02}"


def _title(thread: int) -> str:
    again, number = divmod(thread, len(_TOPICS))
    return f"{_TOPICS[number].title}{', again' if again else ''}"


def _sentence(agent: Agent, topic: _Topic, seat: int, turn: int) -> str:
    chance = random.Random(turn * len(AGENTS) + seat)
    return chance.choice(_SENTENCES[agent.language]).format(
        word=topic.words.get(agent.language, ""),
        name=topic.name,
        path=topic.path,
        other=chance.choice(_TOPICS).name,
        n=chance.randint(2, 97),
    )
