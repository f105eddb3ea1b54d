#!/usr/bin/env python3
"""Write the tables of characters by which the reference library `tokenizers` normalizes and cuts text.

    pip install tokenizers==0.23.3
    scripts/make_character_tables.py > src/text/character_tables.h

Every table is read off the library itself, by asking it about each character: its parts are built from several
versions of Unicode (normalization: 9; punctuation, control characters and accents: 8; the rest is newer), and equal
ids need the same ones. A character that a part does not know is in none of that part's tables.
"""
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
WIDTH = 116


def ranges(codes):
    """[first, last] of each run."""
    out = []
    for c in sorted(codes):
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def emit(declaration, rows):
    """An array of rows of numbers."""
    print(f"inline constexpr {declaration} = {{")
    line = "   "
    for row in rows:
        text = f" {row}," if isinstance(row, str) else " {" + ", ".join(f"{n:#x}" for n in row) + "},"
        if len(line) + len(text) > WIDTH:
            print(line)
            line = "   "
        line += text
    print(f"{line}}};\n")


def emit_set(name, remark, codes):
    print(f"// {remark}")
    emit(f"CharRange {name}[]", ranges(codes))


def matched(expression):
    """The characters that an expression of the library's regular-expression engine matches."""
    split = pre_tokenizers.Split(Regex(expression), "removed")
    out = set()
    for low in range(0, 0x110000, 256):
        codes = [c for c in range(low, low + 256) if not 0xD800 <= c < 0xE000]
        kept = {ord(c) for piece, _ in split.pre_tokenize_str("".join(map(chr, codes))) for c in piece}
        out.update(c for c in codes if c not in kept)
    return out


def word_characters():
    """Those beside which an added token that is a word by itself is not found."""
    tokenizer = Tokenizer(models.BPE({"a": 0}, []))
    tokenizer.add_tokens([AddedToken("b", single_word=True, normalized=False)])
    return {c for c in CODES if not tokenizer.encode("b" + chr(c)).ids}


def bert_normalizer(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **options}).normalize_str


def combining_classes(nfd):
    """{character: its class}, those of class 0 left out."""
    below, above = "\u0334", "\u0345"  # of the lowest and the highest class
    marks = [c for c in CODES if nfd(chr(c)) == chr(c)
             and (nfd("a" + above + chr(c)) != "a" + above + chr(c) or nfd("a" + chr(c) + below) != "a" + chr(c) + below
                  or chr(c) in (below, above))]
    named = {}  # a mark for each class
    for c in marks:
        named.setdefault(unicodedata.combining(chr(c)), chr(c))
    assert 0 not in named, "this Python's tables are older than the library's"

    def class_of(c):
        fitting = [k for k, mark in named.items()
                   if nfd("a" + mark + c) == "a" + mark + c and nfd("a" + c + mark) == "a" + c + mark]
        assert len(fitting) == 1, hex(ord(c))
        return fitting[0]
    return {c: class_of(chr(c)) for c in marks}


def folds(pool):
    """Characters whose case folding is a sequence; the engine takes one for the other where case is ignored."""
    rows = []
    for c in CODES:
        sequence = chr(c).casefold()
        if len(sequence) < 2:
            continue
        split = pre_tokenizers.Split(Regex(f"(?i:{sequence})"), "removed")
        assert split.pre_tokenize_str(chr(c)) == [], f"the engine does not know the folding of {c:#x}"
        rows.append((c, len(pool), len(sequence)))
        pool += map(ord, sequence)
    print("// Case foldings that are sequences.")
    emit("Decomposition kFoldings[]", rows)


def normalization():
    forms = {name: getattr(normalizers, name)().normalize_str for name in ("NFC", "NFD", "NFKD")}
    hangul = range(0xAC00, 0xD7A4)  # computed
    canonical, compatible = {}, {}
    for c in CODES:
        if c in hangul:
            continue
        first, second = forms["NFD"](chr(c)), forms["NFKD"](chr(c))
        if first != chr(c):
            canonical[c] = first
        if second != first:
            compatible[c] = second
    composites = []
    for c, parts in canonical.items():
        if forms["NFC"](parts) != chr(c) or len(parts) < 2:
            continue
        before = forms["NFC"](parts[:-1])
        assert len(before) == 1 and forms["NFC"](before + parts[-1]) == chr(c), hex(c)
        composites.append((ord(before), ord(parts[-1]), c))
    classes = combining_classes(forms["NFD"])

    pool = []
    for name, remark, table in (("kCanonical", "Canonical decompositions, complete.", canonical),
                                ("kCompatible", "Compatibility decompositions where they are others.", compatible)):
        rows = []
        for c, parts in sorted(table.items()):
            rows.append((c, len(pool), len(parts)))
            pool += map(ord, parts)
        print(f"// {remark} Hangul syllables are computed.")
        emit(f"Decomposition {name}[]", rows)
    folds(pool)
    assert len(pool) < 0x10000
    print("// What characters decompose or fold into.")
    emit("char32_t kDecomposed[]", [f"{c:#x}" for c in pool])
    print("// Pairs that compose, by first and second character.")
    emit("Composite kComposites[]", sorted(composites))
    print("// Canonical combining classes other than 0.")
    emit("CombiningClass kCombiningClasses[]",
         sorted((*r, k) for k in set(classes.values()) for r in ranges(c for c in classes if classes[c] == k)))


def lower_case():
    """Runs of characters, a step apart, whose lower case is the same distance away."""
    lower = normalizers.Lowercase().normalize_str
    runs = []
    for c in CODES:
        text = lower(chr(c))
        if text == chr(c):
            continue
        if len(text) > 1:
            assert (c, text) == (0x130, "i\u0307"), "another character whose lower case is two"
            continue
        distance = ord(text) - c
        if runs and runs[-1][3] == distance and c - runs[-1][1] in (1, 2) and (
                runs[-1][0] == runs[-1][1] or c - runs[-1][1] == runs[-1][2]):
            runs[-1][2] = c - runs[-1][1]
            runs[-1][1] = c
        else:
            runs.append([c, c, 1, distance])
    print("// Lower case of single characters, all but U+0130.")
    emit("LowerCase kLowerCase[]", ["{" + f"{a:#x}, {b:#x}, {step}, {distance}" + "}" for a, b, step, distance in runs])


def main():
    print(f"""// Made by scripts/make_character_tables.py from the library tokenizers {tokenizers.__version__}: the characters
// as its parts know them, each from the version of Unicode that the part was built with.
#pragma once

#include <cstdint>

#include "text/char_range.h"

namespace continuo::tables {{

// The characters kDecomposed[begin] to kDecomposed[begin + size - 1] stand for `code`.
struct Decomposition {{
  char32_t code;
  std::uint16_t begin;
  std::uint8_t size;
}};
struct Composite {{
  char32_t first, second, composite;
}};
// Of the characters [first, last].
struct CombiningClass {{
  char32_t first, last;
  std::uint8_t value;
}};
// Every `step`-th character of [first, last] has its lower case `distance` above it.
struct LowerCase {{
  char32_t first, last;
  std::uint8_t step;
  std::int32_t distance;
}};

// clang-format off""")
    punctuation = pre_tokenizers.Punctuation()
    clean, ideograph = bert_normalizer(clean_text=True), bert_normalizer(handle_chinese_chars=True)
    accent = bert_normalizer(strip_accents=True)
    decomposes = normalizers.NFD().normalize_str
    emit_set("kPunctuation", "ASCII symbols and punctuation, and general category P.",
             [c for c in CODES if len(punctuation.pre_tokenize_str("a" + chr(c))) == 2])
    emit_set("kControl", "General categories Cc (but not \\t, \\n and \\r), Cf and Co, and U+FFFD.",
             [c for c in CODES if not clean(chr(c))])
    emit_set("kAccents", "General category Mn, but for those that decompose.",
             [c for c in CODES if not accent(chr(c)) and decomposes(chr(c)) == chr(c)])
    emit_set("kIdeographs", "The blocks of CJK ideographs that BERT cuts out one by one.",
             [c for c in CODES if len(ideograph(chr(c))) == 3])
    emit_set("kWordCharacters", "What keeps an added token with single_word from being one.", word_characters())
    emit_set("kLetters", "\\p{L} of the regular-expression engine.", matched(r"\p{L}"))
    emit_set("kNumbers", "\\p{N} of the regular-expression engine.", matched(r"\p{N}"))
    lower_case()
    normalization()
    print("// clang-format on\n\n}  // namespace continuo::tables")


if __name__ == "__main__":
    main()
