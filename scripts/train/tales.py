# SPDX-License-Identifier: Apache-2.0
"""English children's tales, and the novels that the model learns its English from: cleaned, as documents."""

import hashlib
import re
import tarfile
import unicodedata
from pathlib import Path

from documents import Document

END = "<|endoftext|>"

# ---- text ------------------------------------------------------------------------------------------

MOJIBAKE = {
    "â€œ": '"', "â€\x9d": '"', "â€�": '"', "â€™": "'", "â€˜": "'", "â€”": "—", "â€“": "—", "â€¦": "...",
    "â€\x9c": '"', "â€\x99": "'", "â€": '"', "Ã©": "e",
}
PLAIN = str.maketrans({
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "´": "'", "`": "'", "–": "—", "―": "—",
    "…": "...", "\xa0": " ", "\t": " ", "œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae",
})
ALLOWED = re.compile(r"[A-Za-z0-9 .,;:!?'\"()\-—&\n]*")
CONTRACTIONS = r"(?!(?:tis|twas|twill|twere|twould|em|im|er|ere|un|Frisco|cause|bout|stead)\b)"


def plain(text: str) -> str:
    """Typographic characters to one plain form: straight quotes, one dash, unaccented letters."""
    for bad, good in MOJIBAKE.items():
        text = text.replace(bad, good)
    text = text.translate(PLAIN)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"\[[^\]\n]*\]", "", text)  # footnotes, illustrations, stage directions
    text = re.sub(r"<[^>\n]*>", "", text)
    text = re.sub(r"(?m)^\s*>\s?", "", text)
    text = re.sub(r"[*_|\\]+", "", text)
    text = re.sub(r"''|,,", '"', text)
    text = re.sub(r"\s*(?:—|-{2,})[\s—-]*", "—", text)
    text = re.sub(r"\s+-\s+", "—", text)
    text = re.sub(r"(?: ?\. ?){3,}", "... ", text)
    text = re.sub(r" +([,.;:!?])", r"\1", text)
    text = re.sub(r"(?<=[,.;:!?]) +(?=['\"] *\n|['\"]$)", "", text)
    text = re.sub(r"([a-z]{2}[.!?])(?=[A-Z][a-z])", r"\1 ", text)
    text = re.sub(r"\b(\w+) n't\b", r"\1n't", text)
    return re.sub(r" +", " ", text)


def in_single_quotes(text: str) -> bool:
    return len(re.findall(r"(?m)(?:^|[\s(])'(?=\w)", text)) > text.count('"')


def double_quotes(text: str) -> str:
    """Dialogue in single quotes ('Oh dear!' said Alice) to double quotes."""
    text = text.replace('"', "\x00")  # a quotation inside a quotation
    text = re.sub(r"(^|[\s(—])'" + CONTRACTIONS + r"(?=[A-Za-z—])", r'\1"', text, flags=re.M)
    text = re.sub(r"(?<=[,.!?;:—])'(?![A-Za-z])", '"', text)
    return text.replace("\x00", "'")


def balance(paragraph: str) -> str:
    """Close a speech that the next paragraph goes on with; '' when the quotes cannot be right."""
    if paragraph.count('"') % 2 == 0:
        return paragraph
    last = paragraph.rfind('"')
    opening = last + 1 < len(paragraph) and paragraph[last + 1].isalnum() and (last == 0 or paragraph[last - 1] in " —(")
    return paragraph + '"' if opening else ""


def paragraphs(text: str) -> list[str]:
    """The paragraphs of clean prose in a text whose paragraphs stand between blank lines."""
    kept = []
    for block in re.split(r"\n\s*\n", text):
        block = re.sub(r"\s+", " ", block).strip()
        if not block or not re.search(r"[.!?\"')—:,;]$", block):  # headings, lists, half sentences
            continue
        if not ALLOWED.fullmatch(block) or not re.search(r"[a-z]{2}", block):
            continue
        if sum(c.isupper() for c in block) > 0.3 * sum(c.isalpha() for c in block):
            continue
        if re.fullmatch(r"(?i)the end\W*|end of story\W*|\W+", block):
            continue
        block = balance(block)
        if block:
            kept.append(block)
    return kept


# ---- readers ---------------------------------------------------------------------------------------


def read_book(group: str, name: str, raw: str) -> list[Document]:
    """A book in markdown: one document for each chapter."""
    raw = raw.replace("\r", "")
    body = re.split(r"(?m)^-{5,}\s*$", raw, maxsplit=1)[-1]
    body = re.split(r"(?i)\*\*\* ?END OF (?:THE|THIS) PROJECT", body)[0]
    documents = []
    for chapter in re.split(r"(?m)^#+ .*$", body):
        text = plain(chapter)
        if in_single_quotes(text):
            text = double_quotes(text)
        text = "\n\n".join(paragraphs(text))
        if len(text) > 300:
            documents.append(Document(group, name, f"{name}, part {len(documents) + 1}", text))
    return documents


def read_titled(group: str, source: str, raw: str, credit: bool, lines_are_paragraphs: bool) -> list[Document]:
    """Stories that begin with a title line and end with <|endoftext|>."""
    documents = []
    for story in raw.split(END):
        title, _, body = story.strip().partition("\n")
        if not body.strip():
            continue
        author = ""
        match = re.fullmatch(r"(.*) \(by (.*)\)", title)
        if match:
            title, author = match.groups()
        if lines_are_paragraphs:
            text = "\n\n".join(paragraphs(plain(body.replace("\n", "\n\n"))))
        else:
            text = "\n\n".join(paragraphs(join_lines(plain(body))))
        if len(text) > 200:
            documents.append(Document(group, f"{source}: {title}", title, text, author if credit else ""))
    return documents


def join_lines(text: str) -> str:
    """Picture books have a line or two to a page: join them to paragraphs; speech begins a new one."""
    out, current = [], ""
    for line in (part.strip() for part in text.split("\n")):
        if not line:
            continue
        if current and (len(current) + len(line) > 300 or (line[0] == '"' and current[-1] in '.!?"')):
            out.append(current)
            current = ""
        current = f"{current} {line}".strip()
    return "\n\n".join(out + [current])


def read_tiny(group: str, source: str, raw: str) -> list[Document]:
    """Short stories one after the other: a single line break stands between two of them."""
    raw = re.sub(r"(?i)\n+(?:the end|end of story)\W*\n", "\n", raw)
    documents = []
    for number, story in enumerate(re.split(r"(?<!\n)\n(?!\n)", raw)):
        text = "\n\n".join(paragraphs(plain(story)))
        if len(text) > 200 and text[0].isupper():
            title = f"{source} {number}"
            documents.append(Document(group, title, title, text))
    return documents


# ---- the presets' corpora --------------------------------------------------------------------------


def members(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        return {m.name: tar.extractfile(m).read().decode("utf-8", "replace") for m in tar if m.isfile()}


TALES_FAIRY = (
    "Aesop's Fables", "Grimms' Fairy Tales", "Andersen's Fairy Tales", "The Little Mermaid", "Irish Fairy Tales",
    "Great Big Treasury of Beatrix Potter", "The Happy Prince & Other Tales", "The Book of Dragons",
    "A Kidnapped Santa Claus",
)
TALES_NOVELS = (  # of en-children: not easy reading
    "Kim", "The Man Who Would Be King", "The Body Snatcher", "The Picture of Dorian Gray", "A Lady Of Quality",
    "The Strange Case of Dr. Jekyll and Mr. Hyde", "Phantastes", "The Abbot's Ghost: A Christmas Story",
    "Hospital Sketches", "The Canterville Ghost", "Captains Courageous",
)
TALES_DROPPED = ("An Ideal Husband", "The Importance of Being Earnest", "As Easy as A.B.C.", "With the Night Mail")
TALES_FICTION = (  # of en-fiction: read by children; the others are the group "fiction"
    "The Adventures of Tom Sawyer", "The Prince and the Pauper", "A Christmas Carol", "The Call of the Wild",
    "White Fang", "King Solomon's Mines", "Some Short Christmas Stories", "The Time Machine",
    "Journey to the Center of the Earth", "Around the World in 80 Days", "The Mysterious Island",
    "Five Weeks in a Balloon", "Tarzan of the Apes", "A Princess of Mars", "The Lost World", "Allan Quatermain",
    "The First Men in the Moon", "Oliver Twist",
)
TALES_FICTION_DROPPED = ("Poems", "Love and Friendship and Other Early Works", "All Things Considered")  # not novels
TALES_HELD_OUT = (
    "Ozma of Oz", "A Little Princess", "The Book of Dragons", "The Call of the Wild", "The Invisible Man", "Persuasion",
)


def tales(corpora: Path) -> list[Document]:
    documents = []
    for name, raw in members(corpora / "en-children.tar.xz").items():
        stem = Path(name).stem
        book = stem.split(" - ", 1)[-1].strip()
        if name.endswith(".md") and book not in TALES_DROPPED:
            group = "fairy" if book in TALES_FAIRY else "novels" if book in TALES_NOVELS else "children"
            documents += read_book(group, stem, raw)
        elif stem.startswith("fairytaleqa"):
            documents += read_titled("fairy", "FairytaleQA", raw, credit=False, lines_are_paragraphs=True)
        elif stem.startswith("pratham"):
            documents += read_titled("picture", "Pratham Books", raw, credit=True, lines_are_paragraphs=False)
        elif stem.startswith("african"):
            documents += read_titled("picture", "African Storybook", raw, credit=True, lines_are_paragraphs=False)
    for name, raw in members(corpora / "en-fiction.tar.xz").items():
        stem = Path(name).stem.strip()
        book = stem.split(" - ", 1)[-1]
        if book not in TALES_FICTION_DROPPED:
            documents += read_book("novels" if book in TALES_FICTION else "fiction", stem, raw)
    for name, raw in members(corpora / "en-misc.tar.xz").items():
        if Path(name).stem.startswith("tiny_stories"):
            documents += read_tiny("simple", "TinyStories", raw)
    for d in documents:  # whole books by name; of the collections of stories one in twenty by the hash of its text
        if " - " in d.book and d.group not in ("simple", "picture"):
            d.held_out = d.book.split(" - ", 1)[-1] in TALES_HELD_OUT
        else:
            d.held_out = hashlib.sha256(d.text.encode()).digest()[0] < 256 // 20
            if in_single_quotes(d.text):
                d.text = "\n\n".join(filter(None, map(balance, double_quotes(d.text).split("\n\n"))))
    return documents
