# SPDX-License-Identifier: Apache-2.0
"""A text of a corpus, as the readers (tales.py, poems.py) hand it to data.py."""

from dataclasses import dataclass


@dataclass
class Document:
    group: str
    book: str  # what is held out together: a book, or a poet
    title: str
    text: str
    credit: str = ""  # a CC-BY text: its author
    held_out: bool = False
