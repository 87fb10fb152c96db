"""Writes a run's averaged weights as a Hugging Face folder, replacing an older one in one move."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GenerationConfig

import model as lfm2
from chat import BOS, IM_END, EOT, PAD, SPECIAL, TEMPLATE

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--run", type=Path, required=True)
arguments.add_argument("--to", type=Path, required=True)


def tokenizer_config() -> dict:
    added = {str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
             for i, t in enumerate(SPECIAL)}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": added, "bos_token": SPECIAL[BOS],
            "eos_token": SPECIAL[IM_END], "pad_token": SPECIAL[PAD], "model_max_length": lfm2.CONTEXT,
            "clean_up_tokenization_spaces": False, "chat_template": TEMPLATE}


def main() -> None:
    args = arguments.parse_args()
    tokenizer = Tokenizer.from_file(str(args.run / "tokenizer.json"))
    saved = torch.load(args.run / "checkpoint.pt", map_location="cpu")
    weights = {name.removeprefix("module."): w for name, w in saved["average"].items() if name.startswith("module.")}
    model = lfm2.create(tokenizer.get_vocab_size())
    model.load_state_dict(weights)
    model = model.to(torch.bfloat16)
    model.generation_config = GenerationConfig(bos_token_id=BOS, eos_token_id=[IM_END, EOT], pad_token_id=PAD,
                                               do_sample=True, temperature=0.3, top_k=40)
    fresh, old = (args.to.with_name(args.to.name + end) for end in (".new", ".old"))
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(fresh)
    (fresh / "model.safetensors").chmod(0o644)  # safetensors writes it for its owner alone
    shutil.copy(args.run / "tokenizer.json", fresh)
    (fresh / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(), indent=2) + "\n")
    (fresh / "chat_template.jinja").write_text(TEMPLATE)
    card = Path(__file__).with_name("MODEL_CARD.md")
    if card.exists():
        shutil.copy(card, fresh / "README.md")
    args.to.parent.mkdir(parents=True, exist_ok=True)
    if args.to.exists():
        args.to.rename(old)
    fresh.rename(args.to)
    shutil.rmtree(old, ignore_errors=True)
    print(f"{args.to}: step {saved['state']['step']}, {saved['state']['tokens']} tokens, {saved['state']['seconds'] / 60:.0f} minutes")


if __name__ == "__main__":
    main()
