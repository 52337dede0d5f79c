"""No answer shows what is requested to be forgotten, also where the database cannot be replaced.

1. `check`: a snapshot that lacks events may show what a request among them names. Then it does not
   answer.
2. `unhidden` finds these requests in the bytes that are not applied.
3. A process replaces the generation. If none does, as on a full disk, `check` raises what is in
   `shows_forgotten`.
4. `temporary`: then a projection in a temporary folder answers.

`projector.run.hiding` says what a generation hides; `projector.run.replace_showing` replaces one.
"""
