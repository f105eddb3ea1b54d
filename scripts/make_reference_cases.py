#!/usr/bin/env python3
"""Write tests/data/tokenizers/reference.jsonl: parts of tokenizers and what the reference library makes of texts.

    pip install tokenizers==0.23.3
    scripts/make_reference_cases.py > tests/data/tokenizers/reference.jsonl

A line is {"name", "tokenizer", "cases": [[text, ids], ...]}: a tokenizer.json, and texts in which the library's own tables
and habits show.
"""
import json

from tokenizers import Tokenizer

MARKS = ["a\u0301\u0898\u0323", "\u0898\u0323", "\u0915\u07fd\u093c", "a\u0323\u0301", "a\u0301\u0323", "a\u1abf\u0301",
         "\U00011935\U00011930", "\U00011938", "\u32ff", "\ua7f2", "\uab69", "\u1100\u1161\u11a8", "\uac01\u11a8", "e\u0301\u0302",
         "\u1e69", "\u0344", "\u2126", "\ufb01", "\u00bd", "\u0958", "\u212b", "\u1e9b\u0323", "\U0001d15e", "\u0f73\u0f71"]
PUNCTUATION = ["a\u2e43b", "a\u166db", "a\u09fdb", "a\u0a76b", "a\u0c84b", "a$b", "a\u00a7b", "a\u2e52b", "a\U00011a3fb", "a+b", "a\u00acb"]
WORDS = ["m\u00b2", "\u00bd cup", "10\u00b3", "\u00b9", "\u00be", "a\u200cb", "\u2460", "\u24b6x", "_x", "\u0301a", "\u203fa",
         "\u037a", "\u0e33", "\U0001f130", "a\u00adb", "\u180e a", "\u0085a"]
FOLDS = ["ss SS \u00df \u1e9e s\u017f \u017fs sS", "\u00dfs s\u00df sss ssss", "ff\ufb00 fi\ufb01 \ufb03 ffi \ufb02 st \ufb06 \ufb05",
         "\u01f0 j\u030c J\u030c", "K \u212a k", "\u017f s S", "\u0149 \u02bcn", "\u0130 i\u0307 \u0131 I i", "\u0390 \u1fd3 \u03b9\u0308\u0301"]
STRIP = ["lead", " lead", "  lead x", " \u00a0lead", "lead ", "", " ", "\u3000a b", "<s> lead", "lead <s> lead", "x lead", "xx lead"]


def replace(regex, content="x"):
    return {"type": "Replace", "pattern": {"Regex": regex}, "content": content}


def sequence(*steps):
    return {"type": "Sequence", "normalizers": list(steps)}


FIRST = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}
WHOLE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split": False}
CASES = [
    ("NFC", {"normalizer": {"type": "NFC"}}, MARKS), ("NFD", {"normalizer": {"type": "NFD"}}, MARKS),
    ("NFKC", {"normalizer": {"type": "NFKC"}}, MARKS), ("NFKD", {"normalizer": {"type": "NFKD"}}, MARKS),
    ("Lowercase", {"normalizer": {"type": "Lowercase"}}, ["\u0130\u0131I", "\u1c89", "\ua7cb", "\U00010d50", "\u1e9e", "\u03a3", "\u01c5", "\u2c2f"]),
    ("Punctuation", {"pre_tokenizer": {"type": "Punctuation", "behavior": "Removed"}}, PUNCTUATION),
    ("Digits", {"pre_tokenizer": {"type": "Digits", "individual_digits": True}}, ["a\u00b21\u2460b", "\U00010d40x", "\U00016ac0", "\u3007"]),
    ("Whitespace", {"pre_tokenizer": {"type": "Whitespace"}}, WORDS + PUNCTUATION + ["a b", "a  +-b", "\u1c89a"]),
    ("word characters", {"normalizer": sequence(replace(r"\w"))}, WORDS),
    ("no word characters", {"normalizer": sequence(replace(r"\W"))}, WORDS),
    ("word characters in a bracket", {"normalizer": sequence(replace(r"[\w]"))}, WORDS),
    ("word boundaries", {"normalizer": sequence(replace(r"\b."))}, WORDS),
    ("white space", {"normalizer": sequence(replace(r"\s"))}, WORDS + ["\u2028\u2029\u200b\u205f"]),
    *[(f"folds {e}", {"normalizer": sequence(replace(f"(?i:{e})"))}, FOLDS)
      for e in ("ss", "\u00df", "sss", "ffi", "fi", "st", "[\u00df]", "a?ss", "ss+", "\u01f0", "k", "i", "\u0149", "[a-z]", "\u0390")],
    ("first after Strip", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}, "pre_tokenizer": FIRST}, STRIP),
    ("first after Replace", {"normalizer": sequence({"type": "Replace", "pattern": {"String": "x"}, "content": ""}), "pre_tokenizer": FIRST}, STRIP),
    ("first after a longer Replace", {"normalizer": sequence({"type": "Replace", "pattern": {"String": "xx"}, "content": "l"}), "pre_tokenizer": FIRST}, STRIP),
    ("first after Prepend", {"normalizer": sequence({"type": "Prepend", "prepend": "x"}), "pre_tokenizer": FIRST}, STRIP),
    ("first after an anchor", {"normalizer": sequence({"type": "Strip", "strip_left": True, "strip_right": False}, replace("^", "x")), "pre_tokenizer": FIRST}, STRIP),
    ("first of two pieces", {"normalizer": sequence({"type": "Replace", "pattern": {"String": "l"}, "content": "a b"}),
                             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, FIRST]}}, STRIP),
    ("unknown characters vanish", {"pre_tokenizer": WHOLE, "vanishes": True},
     ["a \u017f a", "az a b", " \u4e16 \u4e16 a", "a b", "  a", "a\U0001f600 a\U0001f600  b"]),
]


def tokenizer_of(parts):
    vanishes = parts.get("vanishes", False)
    pieces = ["\u2581", "\u2581\u2581", "a", "b", "\u2581a", "\u2581\u2581a", "x"] if vanishes else ["x", "\u2581", "\u2581l", "ea", "l", "e", "a", "d"]
    vocab = {p: i for i, p in enumerate(pieces)}
    if not vanishes:
        vocab |= {f"<0x{b:02X}>": len(pieces) + b for b in range(256)}
    merges = [[p[:i], p[i:]] for p in pieces for i in range(1, len(p)) if p[:i] in vocab and p[i:] in vocab]
    added = [] if vanishes else [{"id": len(vocab), "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False,
                                  "normalized": False, "special": True}]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": parts.get("normalizer"), "pre_tokenizer": parts.get("pre_tokenizer"), "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": not vanishes, "ignore_merges": False, "vocab": vocab, "merges": merges}}


def main():
    for name, parts, texts in CASES:
        file = tokenizer_of(parts)
        reference = Tokenizer.from_str(json.dumps(file))
        print(json.dumps({"name": name, "tokenizer": file, "cases": [[t, reference.encode(t).ids] for t in texts]}))


if __name__ == "__main__":
    main()
