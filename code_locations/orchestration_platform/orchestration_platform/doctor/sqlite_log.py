"""The write-ahead log of a SQLite file: whether committed changes in it cannot be read any more.

SQLite takes the frames of the log up to the first one that is wrong and says nothing about others.
The format is that of https://www.sqlite.org/fileformat.html#the_write_ahead_log.
"""

import struct
from pathlib import Path

_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}


def unreadable_frames(log: Path) -> int:
    """Return how many frames of the log were written and cannot be read; 0 if it is not there.

    Frames of an earlier use of the log, which has been copied into the file, do not count. A log
    whose header is wrong cannot be read at all.
    """
    content = log.read_bytes() if log.exists() else b""
    if not content:
        return 0
    header = content[:_HEADER].ljust(_HEADER, b"\0")
    magic, _, page_size, _, salt_1, salt_2, *_ = struct.unpack(">8I", header)
    order = _MAGIC.get(magic, ">")
    length = _FRAME_HEADER + (page_size or 65536)
    frames = max(1, -(-(len(content) - _HEADER) // length)) if magic in _MAGIC else 1
    sums = _checksum(header[:24], order, (0, 0))
    if magic not in _MAGIC or sums != struct.unpack(">2I", header[24:]):
        return frames
    for number in range(frames):
        frame = content[_HEADER + number * length : _HEADER + (number + 1) * length]
        if len(frame) < _FRAME_HEADER or frame[8:16] != struct.pack(">2I", salt_1, salt_2):
            return 0
        if len(frame) < length:
            # the process died while it wrote: nothing was committed
            return 0
        sums = _checksum(frame[:8] + frame[_FRAME_HEADER:], order, sums)
        if sums != struct.unpack(">2I", frame[16:24]):
            return frames - number
    return 0


def _checksum(content: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for position in range(0, len(words), 2):
        first = (first + words[position] + second) & 0xFFFFFFFF
        second = (second + words[position + 1] + first) & 0xFFFFFFFF
    return first, second
