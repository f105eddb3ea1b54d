#!/usr/bin/env python3
"""Train the small tokenizers of tests/data/tokenizers and write their reference encodings.

    pip install tokenizers==0.23.* sentencepiece==0.2.*
    scripts/make_test_tokenizers.py [tests/data/tokenizers]

NAME/tokenizer.json is like the file of a known family, but of about 500 pieces, trained on the text below.
parts/goldens.jsonl has llama2-like with other parts: {"parts": {...}, "text", "ids", "decoded"}, a null part is none.
NAME/goldens.jsonl has one {"text", "ids", "ids_special", "decoded"} per line: ids without and with what the
post-processor adds, decoded = decode(ids, skip_special_tokens=False).
sentencepiece/NAME.model are SentencePiece models, NAME.jsonl their {"text", "ids", "decoded"} by that library.
"""
import collections
import io
import json
import pathlib
import random
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """
Once upon a time there was a small clock who could not stop talking. It talked in the morning, it talked at noon,
and when the house was asleep it talked to the mice under the floor. "Tick," it said, "do you know what I've seen?"
The mice didn't know. "Tock," it went on, "I have seen 12 hours, then 12 more, and they're never the same!"
The baker's daughter wound the clock every evening. She'd count to 100, she'd count to 1000, she would say 3.14159
and laugh. One winter the key was lost. The clock was quiet; the mice were sad; the snow fell and fell and fell.
"We'll look for the key," said the youngest mouse, and they looked under the bed, behind the stove and in the shoes.
They found a button, two coins and a letter from the sea. In the letter was a key. It wasn't the key of the clock,
but it fitted, and the clock began: tick, tock, tick, tock. It told them of the sea, and of ships, and of the moon.

def wind(clock, turns=7):
    for turn in range(turns):
        clock.tick()
        if clock.hour >= 12:
            return {"hour": clock.hour, "ok": True}
    return None  # nobody wound it

L'horloge était bavarde. Elle disait : « Où est la clé ? » Les souris cherchèrent près du fourneau, là où il fait chaud.
Die Uhr hörte nicht auf zu reden. Über Nacht fiel Schnee, und die Mäuse suchten den Schlüssel für sie.
El reloj hablaba mañana y noche. ¿Dónde está la llave? ¡Qué alegría!
Часы говорили весь день. Мыши искали ключ под кроватью и за печкой.
Το ρολόι μιλούσε όλη την ημέρα. Πού είναι το κλειδί;
钟一直在说话。老鼠们在床下找钥匙。雪下了又下。
時計はずっと話していました。ねずみたちは鍵をさがしました。
시계는 계속 말했습니다. 쥐들은 열쇠를 찾았습니다.
"""

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def byte_level_split(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def train_byte_level(tokenizer, size, special):
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    return tokenizer


def gpt2_like():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    train_byte_level(tokenizer, 500, [])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def llama3_like():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = byte_level_split(LLAMA3)
    train_byte_level(tokenizer, 560, [])
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
        special_tokens=[("<|begin_of_text|>", begin)])
    return tokenizer


def qwen2_like():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = byte_level_split(QWEN2)
    train_byte_level(tokenizer, 520, [])
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    # The flags of added tokens, each once.
    tokenizer.add_tokens([
        AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
        AddedToken("clockwork", single_word=True, normalized=False), AddedToken("κλειδί", normalized=True),
        AddedToken("<right>er", normalized=False),
    ])
    return tokenizer


def llama2_like():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    # Trained word by word as SentencePiece does; encoded without a pre-tokenizer.
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    # Without the other scripts, which are left to the byte fallback.
    tokenizer.train_from_iterator([line for line in TEXT.splitlines() if line and max(line) < "\u0250"], trainer)
    data = json.loads(tokenizer.to_str())
    data["pre_tokenizer"] = None
    data["added_tokens"] = [token for token in data["added_tokens"] if token["id"] < 3]
    for token in data["added_tokens"]:
        token["normalized"] = True
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return tokenizer


def word_pieces(tokenizer, size):
    """The most frequent parts of words of TEXT, in alphabetical order. (The library's trainer breaks ties by chance.)"""
    counts = collections.Counter()
    for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(TEXT)):
        for begin in range(len(word)):
            for end in range(begin + 1, min(len(word), begin + 8) + 1):
                counts[("##" if begin else "") + word[begin:end]] += 1000 if end - begin == 1 else end - begin
    return sorted(sorted(counts, key=lambda piece: (-counts[piece], piece))[:size])


def bert_like(lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)  # strip_accents null
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = special + word_pieces(tokenizer, 600)
    tokenizer.model = models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=30)
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_special_tokens(special)
    if lowercase:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    else:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


WORDS = ("tick tock clock's don't WE'LL it'd 'S 'ſ K İ ß ﬁ the mouse 12345 3.14 1,000 x1y2 foo_bar <0x0A> <s> </s> <unk> "
         "▁ ▁▁ Ġ Ċ Â été cle\u0301 clé κλειδι\u0301 naïve Часы ключ κλειδί שלום مرحبا नमस्ते 钟一直 時計 시계 각 e\u0301 a\u0323\u0302 "
         "① ² ½ Ⅷ ٣ 𝟘 Ⓐ 👨‍👩‍👧 🇫🇷 👍🏽 ❤️ ☃ clockwork clockworks <left> <right> <right>er").split(" ")
BLANKS = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u180e", "\u2003",
          "\u2028", "\u200b", "\u202f", "\u3000", "\ufeff", " \n ", "\n  ", "        "]
CONTROLS = [chr(c) for c in [*range(32), 0x7f, 0x80, 0x9f, 0xad, 0x200c, 0x200d, 0x200e, 0xfffd, 0xffff, 0xe000, 0x10ffff]]
MARKS = [chr(c) for c in [*range(0x300, 0x315), 0x323, 0x345, 0x591, 0x64b, 0x94d, 0x20d0, 0x3099, 0xfe0f, 0x1161, 0x11a8]]


def random_text(rng, added):
    def part():
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(WORDS)
        if kind < 0.65:
            return rng.choice(BLANKS)
        if kind < 0.7:
            return rng.choice(added)
        if kind < 0.74:
            return rng.choice(CONTROLS)
        if kind < 0.8:
            return rng.choice(WORDS) + rng.choice(MARKS) + rng.choice(MARKS)
        if kind < 0.9:
            return chr(rng.choice([rng.randrange(0xa0, 0x600), rng.randrange(0x900, 0x1000), rng.randrange(0x3000, 0xd000)]))
        if kind < 0.93:
            return rng.choice("ab 1.\n!") * rng.randrange(1, 40)
        return "".join(rng.choice(".,!?;:()[]{}\"'`~@#$%^&*-_=+<>/\\|") for _ in range(rng.randrange(1, 6)))
    return "".join(part() for _ in range(rng.randrange(1, 9)))


def write(folder, name, tokenizer):
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(place / "tokenizer.json"))
    rng = random.Random(20240601)
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    texts = ["", " ", "\n", "a", *TEXT.strip().splitlines(), TEXT[:400], *added]
    texts += [random_text(rng, added) for _ in range(240)]
    with open(place / "goldens.jsonl", "w", encoding="utf-8") as out:
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            golden = dict(text=text, ids=ids, ids_special=tokenizer.encode(text).ids,
                          decoded=tokenizer.decode(ids, skip_special_tokens=False))
            out.write(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(name, tokenizer.get_vocab_size(), "pieces,", len(texts), "texts")


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def part_variants():
    """Parts that no file above uses, as they stand in a tokenizer.json."""
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield {"normalizer": {"type": form}}
    yield {"normalizer": {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "▁"}}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            yield {"pre_tokenizer": split({"String": "c"}, behavior, invert)}
            yield {"pre_tokenizer": split({"Regex": r"[ck]|(?=o)"}, behavior, invert)}
        yield {"pre_tokenizer": {"type": "Punctuation", "behavior": behavior}}
    for individual in (False, True):
        yield {"pre_tokenizer": {"type": "Digits", "individual_digits": individual}}
    yield {"pre_tokenizer": {"type": "WhitespaceSplit"}}
    yield {"pre_tokenizer": {"type": "Whitespace"}}
    yield {"pre_tokenizer": {"type": "BertPreTokenizer"}}
    yield {"normalizer": {"type": "Lowercase"}}
    for left in (False, True):
        yield {"normalizer": {"type": "Strip", "strip_left": left, "strip_right": not left}}
    yield {"pre_tokenizer": split({"Regex": r" ?[^(\s|[.,!?…。，、।۔،])]+"}, "Isolated")}
    yield {"pre_tokenizer": split({"Regex": r"\d{1,3}(?=(?:\d{3})*\b)"}, "Isolated")}
    yield {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
           "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}}
    for scheme in ("always", "first", "never"):
        for splits in (False, True):
            part = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": splits}
            yield {"normalizer": None, "pre_tokenizer": part, "decoder": part}
            yield {"normalizer": None, "decoder": part,
                   "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, part]}}
    yield {"decoder": None}
    yield {"post_processor": {"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        {"type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
         "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": "</s>", "type_id": 0}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
                            "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}]}}


    sentence = {"sep": ["</s>", 2], "cls": ["<s>", 1]}
    yield {"post_processor": {"type": "BertProcessing", **sentence}}
    yield {"post_processor": {"type": "RobertaProcessing", "trim_offsets": True, "add_prefix_space": True, **sentence}}
    for off in ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"):
        options = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": True, "lowercase": True, off: False}
        yield {"normalizer": {"type": "BertNormalizer", **options}}
    for prefix, cleanup in (("##", False), ("t", True)):
        yield {"decoder": {"type": "WordPiece", "prefix": prefix, "cleanup": cleanup}}


def write_unigram(folder):
    """unigram-like/tokenizer.json: a unigram model behind a precompiled character map."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for line in TEXT.splitlines() if line), model_writer=trained, minloglevel=2,
        model_type="unigram", vocab_size=400, normalization_rule_name="nmt_nfkc", num_threads=1, character_coverage=0.98,
        hard_vocab_limit=False)
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    vocab = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(processor.vocab_size())]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=0))
    charsmap = sentencepiece_charsmap(trained.getvalue())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                             special_tokens=[("</s>", 2)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    write(folder, "unigram-like", tokenizer)


def sentencepiece_charsmap(model):
    """Field 2 of field 3 of the model's protocol buffer."""
    def fields(data):
        at = 0
        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value
        while at < len(data):
            tag = varint()
            if tag & 7 == 0:
                varint()
            else:
                size = {1: 8, 5: 4}.get(tag & 7) or varint()
                yield tag >> 3, data[at:at + size]
                at += size
    normalizer = next(value for number, value in fields(model) if number == 3)
    return next(value for number, value in fields(normalizer) if number == 2)


def write_parts(folder):
    base = json.loads((folder / "llama2-like" / "tokenizer.json").read_text(encoding="utf-8"))
    rng = random.Random(20240605)
    count = 0
    (folder / "parts").mkdir(exist_ok=True)
    with open(folder / "parts" / "goldens.jsonl", "w", encoding="utf-8") as out:
        for parts in part_variants():
            tokenizer = Tokenizer.from_str(json.dumps({**base, **parts}))
            texts = ["", "tick tock, the 12 clocks!", " cock  kc c", "</s>a<s> b"]
            texts += [random_text(rng, ["<s>", "</s>"]) for _ in range(6)]
            for text in texts:
                ids = tokenizer.encode(text).ids
                golden = dict(parts=parts, text=text, ids=ids, decoded=tokenizer.decode(ids, skip_special_tokens=False))
                out.write(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
                count += 1
    print("parts", count, "texts")


SENTENCEPIECE = {
    "bpe-bytes": dict(model_type="bpe", vocab_size=520, byte_fallback=True, normalization_rule_name="identity",
                      remove_extra_whitespaces=False, user_defined_symbols=["<sep>", "clockwork", "  "]),
    "bpe": dict(model_type="bpe", vocab_size=300, normalization_rule_name="identity", user_defined_symbols=["<sep>"]),
    "unigram": dict(model_type="unigram", vocab_size=260, normalization_rule_name="nmt_nfkc_cf",
                    user_defined_symbols=["<sep>", "tock"]),
    "unigram-bytes": dict(model_type="unigram", vocab_size=500, byte_fallback=True, normalization_rule_name="identity",
                          add_dummy_prefix=False),
    "unigram-plain": dict(model_type="unigram", vocab_size=250, normalization_rule_name="identity",
                          split_by_whitespace=False),
}


def write_sentencepiece(folder):
    (folder / "sentencepiece").mkdir(exist_ok=True)
    lines = [line for line in TEXT.splitlines() if line and max(line) < "\u0250"]
    for name, options in SENTENCEPIECE.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, minloglevel=2,
                                                 character_coverage=0.995, num_threads=1, hard_vocab_limit=False, **options)
        (folder / "sentencepiece" / f"{name}.model").write_bytes(model.getvalue())
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        rng = random.Random(20240606)
        symbols = ["<sep>", "clockwork", "tock", "  ", "\u2581"]
        texts = ["", " ", "   ", "a", *TEXT.strip().splitlines(), TEXT[:400], *symbols]
        texts += [random_text(rng, symbols) for _ in range(160)]
        # Control pieces written out are tokens for continuo, as with a tokenizer.json, but text for SentencePiece.
        texts = [text for text in texts if not any(token in text for token in ("<s>", "</s>", "<unk>", "<0x0A>"))]
        with open(folder / "sentencepiece" / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for text in texts:
                ids = processor.encode(text)
                golden = dict(text=text, ids=ids, decoded=processor.decode(ids))
                out.write(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(name, processor.vocab_size(), "pieces,", len(texts), "texts")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/tokenizers")
    write(folder, "gpt2-like", gpt2_like())
    write(folder, "llama2-like", llama2_like())
    write(folder, "llama3-like", llama3_like())
    write(folder, "qwen2-like", qwen2_like())
    write(folder, "bert-like", bert_like(True))
    write(folder, "bert-cased-like", bert_like(False))
    write_parts(folder)
    write_unigram(folder)
    write_sentencepiece(folder)


if __name__ == "__main__":
    main()
