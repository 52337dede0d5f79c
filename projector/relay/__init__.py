"""One journal on many machines: segments travel as byte ranges, and mirrors are plain segments.

Each machine keeps its own lanes for ever, and mirrors those of the others as files in `lanes/`.
What carries the bytes, a server or a folder, may lose, repeat or forget anything: offsets and
running checksums show it, and it is sent or read again.

- `chunk` is pure: a byte range of a segment, its names and headers, and their checks;
- `files` has the mirrors, and reads the lanes of this machine;
- `carrier` is the protocol of what carries chunks; `folder` is one, `jetstream` another;
- `inbound` and `outbound` say what happens with chunks, and `identity` which machine this is;
- `run` is the loop, and `cli` the commands.
"""
