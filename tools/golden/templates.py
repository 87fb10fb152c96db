"""Chat templates rendered by transformers, which the engine's Jinja has to agree with to the character."""

import json
from pathlib import Path

import jinja2
import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from conversations import DIFFERS, RENDERINGS

BOS = {"chatml": "<|startoftext|>", "lfm25-like": "<|startoftext|>", "llama3-like": "<|begin_of_text|>"}


def render(template: str, bos: str, messages: list, options: dict) -> dict:
    # Only its special tokens and its template are used, so the tokenizer behind it can be empty.
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=bos)
    try:
        return {"expected": tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **options)}
    except jinja2.exceptions.TemplateError as refusal:
        return {"error": str(refusal)}


def make(path: Path) -> None:
    sources = {p.stem: p.read_text() for p in sorted((Path(__file__).parent / "templates").glob("*.jinja"))}
    cases = []
    for template, name, messages, options in RENDERINGS:
        case = {"template": template, "name": name, "messages": messages, "options": options}
        case |= render(sources[template], BOS[template], messages, options)
        assert ("error" in case) == name.startswith("refused"), case
        if name in DIFFERS:
            case["differs"] = DIFFERS[name]  # a test may expect this one to fail, and should notice when it no longer does
        cases.append(case)
    out = {"library": f"transformers {transformers.__version__}",
           "templates": {name: {"bos_token": BOS[name], "source": text} for name, text in sources.items()},
           "cases": cases}
    path.write_text(json.dumps(out, indent=1) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes, {len(cases)} renderings")
