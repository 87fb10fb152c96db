"""Texts and their ids, from the tokenizers crate that the engine's tokenizer has to agree with."""

import hashlib
import json
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

from strings import CUT, DIFFERS, STRINGS


def _lines(rows: list) -> str:
    # One row a line, in ASCII: nothing on the way can then normalise or reorder the odd characters.
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"


def fixture(path: Path, label: str, name: str) -> str:
    tokenizer = Tokenizer.from_file(str(path))
    cases = []
    for text in dict.fromkeys(STRINGS):
        ids = tokenizer.encode(text, add_special_tokens=True).ids
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "plain_ids": plain,
                      "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
        if reason := DIFFERS.get((label, text)):
            cases[-1]["differs"] = reason
    decodes = []
    for text in CUT:
        ids = tokenizer.encode(text, add_special_tokens=True).ids
        for end in range(1, len(ids) + 1):
            decoded = tokenizer.decode(ids[:end], skip_special_tokens=True)
            # What stands for half a character is each decoder's own affair: byte fallback gives up the whole run of
            # bytes, one U+FFFD each, even the characters that were complete. Only whole text has to agree.
            decodes.append({"ids": ids[:end], "whole": "\ufffd" not in decoded, "decoded": decoded,
                            "decoded_with_special": tokenizer.decode(ids[:end], skip_special_tokens=False)})
    head = {"tokenizer": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "library": f"tokenizers {tokenizers.__version__}"}
    return json.dumps(head, indent=1)[:-2] + f',\n "cases": {_lines(cases)},\n "decodes": {_lines(decodes)}\n}}\n'


def make(fixtures: Path, smollm2: Path | None) -> None:
    folder = fixtures / "tokenizers"
    folder.mkdir(exist_ok=True)
    (folder / "stories260k.json").write_text(fixture(fixtures / "stories260k" / "tokenizer.json", "stories260k", "stories260k/tokenizer.json"))
    if smollm2:
        # Two megabytes, so the fixture names it and does not carry it.
        (folder / "smollm2.json").write_text(fixture(smollm2, "smollm2", "smollm2_tokenizer.json"))
    else:
        print("tokenizers/smollm2.json: left as it is, since --smollm2 was not given")
    for path in sorted(folder.iterdir()):
        print(f"tokenizers/{path.name}: {path.stat().st_size} bytes, {len(json.loads(path.read_text())['cases'])} texts")
