"""Trains the demo model, and goes on where it stopped when started again on the same run folder.

Warm-up, a long stretch at full rate, then a straight line down to zero. The number of steps may be
changed between two starts as long as the descent has not begun. A running average of the weights
stands in for the descent until then: it is what is judged and exported. On a machine that others
use, --minutes ends the run on time; warm-up, descent and mix then follow whichever is further on.
"""

import argparse
import json
import os
import shutil
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import Lfm2ForCausalLM

import build_tokenizer
import corpus
import model as lfm2
from batches import Batches
from evaluate import bits_per_byte
from muon import optimizers
from parallel import Workers, cores

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--run", type=Path, required=True, help="folder of the checkpoints and the log")
arguments.add_argument("--init", type=Path, help="Hugging Face folder whose weights and tokenizer a new run starts from")
arguments.add_argument("--data", type=Path, default=corpus.DATA)
arguments.add_argument("--dialogues", type=Path, default=corpus.DIALOGUES)
arguments.add_argument("--steps", type=int, default=4000)
arguments.add_argument("--minutes", type=float, default=1e9, help="finish in this time even if it is too short for --steps")
arguments.add_argument("--rows", type=int, default=4)
arguments.add_argument("--length", type=int, default=512, help="tokens in a row")
arguments.add_argument("--decay", type=float, default=0.3, help="share of the steps in which the rate falls")
arguments.add_argument("--warm-up", type=int, default=60, help="steps in which the rate rises")
arguments.add_argument("--lr-matrices", type=float, default=0.02)
arguments.add_argument("--lr-rest", type=float, default=0.004)
arguments.add_argument("--save-every", type=int, default=50)
arguments.add_argument("--workers", type=int, default=cores(), help="threads of one core each")


def rate(step: int, progress: float, decay: float, warm_up: int) -> float:
    return max(0.0, min(1.0, (step + 1) / warm_up, (1 - progress) / decay))


def main() -> None:
    args = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    split = corpus.load(args.data, args.dialogues)
    path = args.run / "tokenizer.json"
    if args.init and not path.exists():  # a model is tied to its tokenizer
        args.run.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(args.init / "tokenizer.json", path)
    tokenizer = Tokenizer.from_file(str(path)) if path.exists() else build_tokenizer.build(split, path)
    model = lfm2.create(tokenizer.get_vocab_size())
    if args.init:
        model.load_state_dict(Lfm2ForCausalLM.from_pretrained(args.init, dtype=torch.float32).state_dict())
    model = model.to(device)
    lfm2.quick_conv(model)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
    workers = Workers(model, args.workers)
    steppers = optimizers(model, workers, args.lr_matrices, args.lr_rest)
    state = {"step": 0, "tokens": 0, "seconds": 0.0}
    if (args.run / "checkpoint.pt").exists():
        saved = torch.load(args.run / "checkpoint.pt", map_location=device)
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        for stepper, s in zip(steppers, saved["steppers"]):
            stepper.load_state_dict(s)
        state = saved["state"]
    peaks = [[args.lr_matrices], [args.lr_rest] * 2]

    def save() -> None:
        torch.save({"model": model.state_dict(), "average": average.state_dict(), "state": state,
                    "steppers": [s.state_dict() for s in steppers]}, args.run / "checkpoint.tmp")
        os.replace(args.run / "checkpoint.tmp", args.run / "checkpoint.pt")

    def log(**figures) -> None:
        line = json.dumps({"step": state["step"], "tokens": state["tokens"], "minutes": round(state["seconds"] / 60, 1), **figures})
        print(line, flush=True)
        with open(args.run / "log.jsonl", "a") as file:
            file.write(line + "\n")

    batches, started, seen = Batches(tokenizer, split["train"], args.length, args.rows), time.time(), 0.0
    progress = 0.0
    for step in range(state["step"], args.steps):
        progress = max(progress, step / args.steps, min(1.0, state["seconds"] / 60 / args.minutes))
        ids, positions, weights = (x.to(device) for x in batches.batch(step, progress))
        loss = workers.gradients(ids, positions, weights)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper, peak in zip(steppers, peaks):
            for group, top in zip(stepper.param_groups, peak):
                group["lr"] = top * rate(step, progress, args.decay, args.warm_up)
            stepper.step()
        model.zero_grad(set_to_none=True)
        average.update_parameters(model)
        now = time.time()
        state = {"step": step + 1, "tokens": state["tokens"] + ids.numel(), "seconds": state["seconds"] + now - started}
        started, seen = now, seen + loss
        if (step + 1) % 20 == 0:
            log(loss=round(seen / 20, 4), fill=round((ids > 0).float().mean().item(), 3))
            seen = 0.0
        last = step + 1 == args.steps or progress == 1.0
        if (step + 1) % args.save_every == 0 or last:
            save()
            log(progress=round(progress, 3), held_out=bits_per_byte(average.module, tokenizer, split["held_out"], 10))
        if last:
            break


if __name__ == "__main__":
    main()
