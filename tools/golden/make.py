"""Makes every golden fixture under tests/golden/fixtures. Run it as README.md says."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may depend on what a hub answers today

import torch
import transformers
from safetensors.torch import save_file

import stories
import templates
import tokenizer_fixtures
from cases import CASES, Case
from check import mistakes_show, spellings_agree
from model import PROMPT, forward, greedy, load, random_tokens, write

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "golden" / "fixtures"
MARGIN, DISTINCT = 0.1, 6  # a greedy golden must not hang on the last bit, nor repeat one token


def attempt(case: Case, seed: int, folder: Path) -> dict | None:
    """Writes the fixture, or returns nothing where this seed's greedy continuation would make a poor test."""
    shutil.rmtree(folder, ignore_errors=True)
    write(case, seed, folder)
    model = load(folder)
    tokens = random_tokens(case, seed)
    answer, margin = greedy(model, tokens[:PROMPT].tolist())
    if margin < MARGIN or len(set(answer)) < DISTINCT:
        return None
    logits = forward(model, tokens)
    double = forward(load(folder, torch.float64), tokens)
    spellings_agree(folder, tokens, logits)
    save_file({"tokens": tokens.int(), "logits": logits}, folder / "golden.safetensors")
    return {
        "what": case.what,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "seed": seed,
        "dtype": str(case.dtype).removeprefix("torch."),
        "tokens": len(tokens),
        "vocab": logits.shape[1],
        "logits_std": round(logits.std().item(), 3),
        "float64_difference": float(f"{(double - logits).abs().max().item():.2g}"),
        "greedy": {"prompt": tokens[:PROMPT].tolist(), "tokens": answer, "smallest_margin": round(margin, 3)},
        "mistakes": mistakes_show(folder, case.matters, tokens, logits),
    }


def make(case: Case, first_seed: int) -> None:
    folder = FIXTURES / case.name
    for seed in range(first_seed, first_seed + 200):
        facts = attempt(case, seed, folder)
        if facts:
            (folder / "golden.json").write_text(json.dumps(facts, indent=1) + "\n")
            size = sum(f.stat().st_size for f in folder.iterdir())
            least = min(facts["mistakes"], key=facts["mistakes"].get)
            print(f"{case.name}: {size} bytes, seed {seed}, logits std {facts['logits_std']}, "
                  f"margin {facts['greedy']['smallest_margin']}, least seen: {least} {facts['mistakes'][least]}", flush=True)
            return
    sys.exit(f"{case.name}: no seed gives a usable continuation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smollm2", type=Path, help="SmolLM2's tokenizer.json; without it that fixture is left alone")
    parser.add_argument("--only", help="only the model cases whose name contains this")
    args = parser.parse_args()
    torch.set_num_threads(1)  # the order of sums, hence the last bit, depends on it
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for index, case in enumerate(CASES):
        if not args.only or args.only in case.name:
            make(case, 1000 * (index + 1))
    if args.only:
        return
    stories.make(FIXTURES / "stories260k")
    tokenizer_fixtures.make(FIXTURES, args.smollm2)
    templates.make(FIXTURES / "templates.json")
    for path in FIXTURES.rglob("*.safetensors"):
        path.chmod(0o644)  # safetensors writes files that only their owner may read


if __name__ == "__main__":
    main()
