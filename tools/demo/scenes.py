"""Parts of the conversation that are good to search for: one message of each agent."""
# ruff: noqa: RUF001 - Chinese has a comma and a colon of its own

SCENES = {
    6: (
        "The lamp at Gull Rock is dark, and our table calls it lit. Who calls flag_lamp_outage?",
        "找到了：flag_lamp_outage 在夏令时那一小时被跳过，所以海鸥岩的灯塔没有记录。",
        "灯台の一覧に「消灯中」を出しました。カモメ岩の行で確認できます。",
        "갈매기바위 등대가 꺼진 기록도 찾도록 색인을 고쳤습니다.",
        "Test dazu: Sommerzeit am Möwenfelsen, die fehlende Stunde zählt jetzt.",
        "J'ajoute une note : le phare du Rocher aux Mouettes, et l'heure qui n'existe pas.",
        "Aprobado. El faro de la Peña de las Gaviotas por fin aparece apagado.",
        "$ pytest -q tests/test_lights.py::test_lamp_outage\n1 passed in 0.04s",
    ),
    3: (
        "Two storm warnings went out for one storm. Is dedupe_by_alert_id on at all?",
        "风暴警报发了两次：重试之后编号变了。现在编号取自警报本身，再发也只有一条。",
        "暴風警報の二重送信、再現できました。番号が毎回変わるのが原因です。",
        "폭풍 경보가 두 번 나간 이유는 재시도 때 번호가 바뀌었기 때문입니다.",
        "Doppelte Sturmwarnung: derselbe Schlüssel, also nur noch eine. Test geschrieben.",
        "Expliqué dans la doc : on peut renvoyer une alerte, elle ne compte qu'une fois.",
        "Perfecto: reenviar es seguro si la clave es la misma.",
        "$ grep -c dedupe_by_alert_id src/tidebook/alerts.py\n3",
    ),
}
"""By the thread in which they happen, counted from 0."""
