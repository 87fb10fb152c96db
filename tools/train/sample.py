"""Replies of an exported model, greedy and sampled, and its held-out bits per byte: read them before shipping."""

import argparse
import json
import warnings
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import corpus
from evaluate import bits_per_byte

MUST = ["Hello", "What are you?", "Is this private?", "Does it work offline?", "How do I get a better model?",
        "Tell me a story about a fox"]
MORE = ["hi gyre how are you", "what can you do", "i am sad today", "Tell me a joke", "Who made you?", "What is a token?",
        "what is the weather like", "My name is Anna", "I like cats", "What is speculative decoding?", "Tell me a story about a robot",
        "tell me a story about a girl who finds a key", "What should I cook for dinner?", "thank you", "bye",
        "What is the capital of France?", "can you write python code", "how fast are you", "asdfgh", "Do you have feelings?"]
TALK = ["Hi!", "I am fine. What are you?", "Do you send my words to a server?", "Tell me a story about a rabbit", "thanks, that was nice"]

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("model", type=Path)
arguments.add_argument("--data", type=Path, default=corpus.DATA)
arguments.add_argument("--seeds", type=int, default=3)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--must-only", action="store_true")
arguments.add_argument("--held-out", action="store_true")


def reply(model, tokenizer, messages: list[dict], **options) -> str:
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=300, **options)
    return tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True)


def main() -> None:
    args = arguments.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    if args.held_out:
        print("held-out bits per byte", json.dumps(bits_per_byte(model, tokenizer.backend_tokenizer, corpus.load(args.data)["held_out"], 60)))
    for prompt in MUST + ([] if args.must_only else MORE):
        asked = [{"role": "user", "content": prompt}]
        print(f"\n## {prompt}\n  greedy: {reply(model, tokenizer, asked, do_sample=False)}")
        for seed in range(args.seeds if prompt in MUST else 1):
            torch.manual_seed(seed)
            print(f"  T 0.7 #{seed}: {reply(model, tokenizer, asked, do_sample=True, temperature=0.7, top_k=40)}")
    if not args.must_only:
        messages = []
        print("\n## A conversation, greedy")
        for prompt in TALK:
            messages.append({"role": "user", "content": prompt})
            messages.append({"role": "assistant", "content": reply(model, tokenizer, messages, do_sample=False)})
            print(f"  > {prompt}\n  {messages[-1]['content']}")


if __name__ == "__main__":
    main()
