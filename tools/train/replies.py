"""Writes what an exported model replies to its training prompts, as token ids: text for a table of n-grams, or for a smaller model to learn from.

The file is JSON, one array of ids a reply with its end token; it is whole after each batch, so that a run may be stopped at any time.
"""

import argparse
import json
import os
import random
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import corpus
from chat import EOT, IM_END, PAD, draw

SOURCES = ("about_gyre", "small_talk", "stories", "strangers", "soda", "tinystories_chat")
# Greedy, as the model is set, and as people who want surprises set it.
DRAWS = ({"do_sample": False}, {"do_sample": True, "temperature": 0.3, "top_k": 40}, {"do_sample": True, "temperature": 0.7, "top_k": 40})

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("model", type=Path)
arguments.add_argument("--to", type=Path, required=True)
arguments.add_argument("--data", type=Path, default=corpus.DATA)
arguments.add_argument("--dialogues", type=Path, default=corpus.DIALOGUES)
arguments.add_argument("--max-tokens", type=int, default=200, help="of a reply")
arguments.add_argument("--batch", type=int, default=48)
arguments.add_argument("--prompts", type=int, default=1 << 30, help="at most so many, drawn from all of them")
arguments.add_argument("--threads", type=int, default=1)


def prompts(documents: list, rng: random.Random) -> list[list[dict]]:
    """A conversation up to each of its user's turns, with alternatives drawn."""
    found = []
    for document in documents:
        messages = [{"role": role, "content": text} for role, text in draw(document, rng)]
        found += [messages[: i + 1] for i, m in enumerate(messages) if m["role"] == "user" and i + 1 < len(messages)]
    return found


def main() -> None:
    args = arguments.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    train, rng = corpus.load(args.data, args.dialogues)["train"], random.Random(1)
    asked = [tokenizer.apply_chat_template(m, add_generation_prompt=True, return_dict=False)
             for source in SOURCES for m in prompts(train[source], rng)]
    rng.shuffle(asked)
    same_length: dict[int, list] = {}  # batches of equal lengths need no padding
    for ids in asked[: args.prompts]:
        same_length.setdefault(len(ids), []).append(ids)
    batches = [group[i: i + args.batch] for group in same_length.values() for i in range(0, len(group), args.batch)]
    rng.shuffle(batches)
    replies: list[list[int]] = []
    for batch in batches:
        ids = torch.tensor(batch)
        for options in DRAWS:
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=args.max_tokens, pad_token_id=PAD, **options)
            for reply in out[:, ids.shape[1]:].tolist():
                end = next((i + 1 for i, token in enumerate(reply) if token in (IM_END, EOT)), len(reply))
                replies.append(reply[:end])
        fresh = args.to.with_suffix(".tmp")
        fresh.write_text(json.dumps(replies, separators=(",", ":")))
        os.replace(fresh, args.to)
    print(f"{len(replies)} replies, {sum(map(len, replies))} tokens")


if __name__ == "__main__":
    main()
