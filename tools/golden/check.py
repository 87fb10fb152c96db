"""Holds a written fixture to its purpose: it reloads to the same logits, and it fails for an engine that is wrong."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mistakes import applicable
from model import forward, load

VISIBLE = 0.2  # least change of a logit, where their spread is about 3 and float32 itself is good to about 2e-5


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    out = {}
    for path in sorted(folder.glob("model*.safetensors")):
        out |= load_file(path)
    return out


def spellings_agree(folder: Path, tokens: torch.Tensor, logits: torch.Tensor) -> None:
    assert torch.equal(forward(load(folder), tokens), logits), "a second load answers differently"
    saved = folder / "config.saved.json"
    if saved.exists():
        with tempfile.TemporaryDirectory() as place:
            other = Path(place)
            shutil.copytree(folder, other, dirs_exist_ok=True)
            shutil.copy(saved, other / "config.json")
            assert torch.equal(forward(load(other), tokens), logits), "the two spellings disagree"


def mistaken(folder: Path, apply, tokens: torch.Tensor) -> torch.Tensor:
    weights = {name: w.float() for name, w in weights_of(folder).items()}
    config = json.loads((folder / "config.json").read_text())
    apply(weights, config)
    with tempfile.TemporaryDirectory() as place:
        other = Path(place)
        (other / "config.json").write_text(json.dumps(config))
        save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
        return forward(load(other), tokens)


def mistakes_show(folder: Path, matters: list[str], tokens: torch.Tensor, logits: torch.Tensor) -> dict[str, float]:
    """Largest change of a logit per mistake; raises if one would go unseen."""
    config = json.loads((folder / "config.json").read_text())
    out = {}
    for name, apply in applicable(weights_of(folder), config, matters).items():
        out[name] = (mistaken(folder, apply, tokens) - logits).abs().max().item()
    for name in matters:
        if name.startswith("only the last"):
            n = int(name.split()[3])
            out[name] = (forward(load(folder), tokens[-n:])[-1] - logits[-1]).abs().max().item()
    unseen = [name for name, change in out.items() if not change > VISIBLE]
    assert not unseen, f"would go unseen: {[(name, out[name]) for name in unseen]}"
    return {name: round(change, 2) for name, change in out.items()}
