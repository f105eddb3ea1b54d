# SPDX-License-Identifier: Apache-2.0
"""Tang and Song verse: the poems in lines of one length, cleaned, as documents.

A document is a poem without title and author: a couplet a line, as in the corpus. Kept are poems of an even
number of lines (4 to 16), all of 4, 5, 6 or 7 characters, every odd line ending in a comma (or ？！；：), every
even line in a full stop (or ？！；).
"""

import hashlib
import lzma
import re
from collections import Counter
from pathlib import Path

from documents import Document

# Whole poets, some of them known to everyone; of all others one in thirty by the hash of the name.
HELD_OUT_POETS = ("李商隱", "孟浩然", "李清照", "晏殊", "林逋")
CHARACTERS = 4500  # the tokenizer's; a training poem may have one other (bytes then), not more
DROPPED_LINE = "床前看月光"  # 靜夜思: the model's usual prompt is its first line

# Variants of one character, written with the one that is usual in Traditional Chinese today.
VARIANTS = str.maketrans(
    "爲牀羣峯衆疎踈畧囬寃葢黄緑録絶歳嵗虚脚墻摇遥吴呉荅减凉决况泪猨暎户戸换産駡鷄窻窓牕麤粧糚髙郷鄊晩娯脣栢闗舘輙慙莭"
    "徧昬甎彊强迹蹟縁恠夘剏劒劔賔賛塩艶罇洒溼栖携鐡隣氷徃却谿鴈棊碁着恒卧鬪鬬鎻鏁笋綫盃箇眞淸鵞敎内靑説値鄕飮鎭烟啓顔旣",
    "為床群峰眾疏疏略回冤蓋黃綠錄絕歲歲虛腳牆搖遙吳吳答減涼決況淚猿映戶戶換產罵雞窗窗窗粗妝妝高鄉鄉晚娛唇柏關館輒慚節"
    "遍昏磚強強跡跡緣怪卯創劍劍賓贊鹽豔樽灑濕棲攜鐵鄰冰往卻溪雁棋棋著恆臥鬥鬥鎖鎖筍線杯個真清鵝教內青說值鄉飲鎮煙啟顏既",
)
HAN = r"[\u3400-\u9fff]"
COUPLET = re.compile(rf"({HAN}{{4,7}})[，？！；：]({HAN}{{4,7}})[。？！；]")


def verse(lines: list[str]) -> str:
    """The poem in clean couplets; '' when it is not in lines of one length."""
    body = re.sub(r"（[^（）]*）|\([^()]*\)|[「」『』《》〈〉“”]", "", "".join(lines)).translate(VARIANTS)
    couplets = list(COUPLET.finditer(body))
    if "".join(m.group() for m in couplets) != body or not 2 <= len(couplets) <= 8:
        return ""
    if len({len(line) for m in couplets for line in m.groups()}) != 1:
        return ""
    return "\n".join(m.group() for m in couplets)


def poems(corpora: Path) -> list[Document]:
    documents = []
    for group, name in (("tang", "zh-tang-poems.txt.xz"), ("song", "zh-song-poems.txt.xz")):
        with lzma.open(corpora / name, "rt", encoding="utf-8") as file:
            blocks = file.read().split("\n\n")
        for block in blocks:
            title, author, *lines = block.strip("\n").split("\n") + [""]
            text = verse(lines)
            if not text or DROPPED_LINE in text:
                continue
            by_hash = hashlib.sha256(author.encode()).digest()[0] < 256 // 30
            documents.append(Document(group, author, f"{author}《{title}》", text, "", by_hash or author in HELD_OUT_POETS))
    often = Counter(c for d in documents if not d.held_out for c in d.text)
    common = {c for c, _ in often.most_common(CHARACTERS)}
    return [d for d in documents if d.held_out or sum(c not in common for c in d.text) <= 1]


def line_set(text: str) -> set[str]:
    """What a copied poem shares with its copy: its lines."""
    return set(re.findall(rf"{HAN}+", text))
