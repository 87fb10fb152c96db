"""Reads every text the model learns from, and sets a fiftieth of it aside.

A document is a list of turns, (role, [alternatives]). Plain text is one turn
whose role is "text". What is set aside depends only on a hash of the
document, so it never moves when files grow.
"""

import hashlib
import re
from pathlib import Path

from story_requests import as_chat

END = "<|endoftext|>"
DIALOGUES = Path(__file__).parent / "dialogues"
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "corpora"

# Curly quotes and long dashes cost several byte-level tokens and teach nothing.
PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-",
                       "\u2014": " - ", "\u2026": "...", "\u00a0": " ", "\u00e2": "", "\u20ac": "", "\u2122": ""})


def held_out(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 50 == 0


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").translate(PLAIN)


def plain_documents(path: Path) -> list[str]:
    texts = (re.sub(r"\s*\n\s*", "\n", t.strip()) for t in read(path).split(END))
    return [t for t in texts if len(t) > 80]


def pieces(text: str, size: int = 1600) -> list[str]:
    """Cuts a long tale at ends of sentences into pieces that fit a row."""
    out, piece = [], ""
    for sentence in re.split(r"(?<=[.!?\"])\s+", text):
        if piece and len(piece) + len(sentence) > size:
            out.append(piece)
            piece = ""
        piece = f"{piece} {sentence}".strip()
    return [*out, piece] if len(piece) > 200 else out


def parse_dialogues(path: Path, names: dict[str, str]) -> list[list[tuple[str, list[str]]]]:
    """`Name: text | alternative` lines; a blank line ends a dialogue, # starts a comment."""
    dialogues, turns = [], []
    for line in [*read(path).splitlines(), ""]:
        line = line.strip()
        if line.startswith("#"):
            continue
        name, _, text = line.partition(":")
        if not line:
            if len(turns) > 1:
                dialogues.append(turns)
            turns = []
        elif name in names:
            turns.append((names[name], [a.strip() for a in text.split(" | ") if a.strip()]))
        elif turns:  # a story that went on over a line's end
            turns[-1][1][-1] += "\n" + line
    return dialogues


def load(data: Path = DATA, dialogues: Path = DIALOGUES) -> dict[str, dict[str, list]]:
    """{"train" | "held_out": {source: [document]}}"""
    stories = plain_documents(data / "tinystories.txt")
    sources = {
        "tinystories": [[("text", [s])] for s in stories],
        "tinystories_chat": [as_chat(s) for s in stories],
        "fairy_tales": [[("text", [p])] for t in plain_documents(data / "fairy_tales.txt")
                        for p in pieces(t.replace("\n", " "))],
        "soda": parse_dialogues(data / "soda_dialogues.txt", {"User": "user", "Bot": "assistant"}),
    }
    for path in sorted(dialogues.glob("*.txt")):
        sources[path.stem] = parse_dialogues(path, {"User": "user", "Gyre": "assistant"})
    split = {"train": {}, "held_out": {}}
    for source, documents in sources.items():
        # A story is set aside in both of its forms: its last turn decides.
        # Of a dialogue all of it decides.
        key = (lambda d: d[-1][1][0]) if source.startswith("tinystories") else repr
        split["train"][source] = [d for d in documents if not held_out(key(d))]
        split["held_out"][source] = [d for d in documents if held_out(key(d))]
    return split


if __name__ == "__main__":
    for part, sources in load().items():
        for source, documents in sources.items():
            print(f"{part:9} {source:17} {len(documents):6} documents {sum(len(t[1][0]) for d in documents for t in d):9} characters")
