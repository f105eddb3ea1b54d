# SPDX-License-Identifier: Apache-2.0
"""Metre and rhyme of Chinese verse.

Rhyme is judged by modern Mandarin: two characters rhyme when pypinyin gives them a reading with the same final, the
medial and the tone left aside (guāng, shuāng, xiāng: ang). Tang rhymes are not modern ones, so that even the poets'
own verse rhymes less than always by this measure: their share is the one to compare with.
"""

import random
import re

from pypinyin import Style, pinyin

LINE = r"[\u3400-\u9fff\U00020000-\U0003ffff]"


def has_form(poem: str) -> bool:
    """Couplets of two lines of one length, the first ending in a comma, the second in a full stop; one a row."""
    rows = [re.fullmatch(rf"({LINE}+)[，？！；：]({LINE}+)[。？！；]", row) for row in poem.split("\n")]
    return all(rows) and len({len(line) for row in rows for line in row.groups()}) == 1


def lines(poem: str) -> list[str]:
    return re.findall(rf"{LINE}+", poem)


def finals(character: str) -> set[str]:
    readings = pinyin(character, style=Style.FINALS, heteronym=True, strict=True)[0]
    # "uang" and "iang" end like "ang"; after "i", "ü" and "u" e stays what it is: "ie" and "e" do not rhyme
    return {re.sub(r"^[iuüv](?=[aoe])", "", reading) if not reading.endswith(("ie", "üe", "ve")) else "ie"
            for reading in readings if reading}


def even_ends(poem: str) -> list[str]:
    """The last characters of the lines that rhyme."""
    return [line[-1] for line in lines(poem)[1::2]]


def rhyme_rate(poems: list[str]) -> tuple[float, float]:
    """Share of neighbouring even lines that rhyme; the same after shuffling the even lines of all poems."""
    ends = [even_ends(poem) for poem in poems]
    flat = [end for poem in ends for end in poem]
    random.Random(1).shuffle(flat)
    shuffled, at = [], 0
    for poem in ends:
        shuffled.append(flat[at : at + len(poem)])
        at += len(poem)

    def rate(all_ends: list[list[str]]) -> float:
        pairs = [(a, b) for poem in all_ends for a, b in zip(poem, poem[1:])]
        return sum(bool(finals(a) & finals(b)) for a, b in pairs) / max(1, len(pairs))

    return rate(ends), rate(shuffled)
