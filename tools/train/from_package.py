"""Turns a Gyre package back into a Hugging Face folder, for training to go on where only the package is left.

The codes are scaled and turned back as src/quantize/int8.ts does (`unrotate`); what the eight bits rounded away stays lost.
Weights are written as f32: converted again they give the package's codes again.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("package", type=Path)
arguments.add_argument("--to", type=Path, required=True)


def signs(width: int) -> torch.Tensor:
    """[width] of 1 and -1, as src/quantize/signs.ts draws them."""
    h = (width * 0x9E3779B9 + torch.arange(width)) & 0xFFFFFFFF
    for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        h = ((h ^ (h >> shift)) * factor) & 0xFFFFFFFF
    return 1.0 - 2.0 * ((h ^ (h >> 16)) >> 31)


def hadamard(rows: torch.Tensor, block: int) -> torch.Tensor:
    """Walsh-Hadamard transform of each `block` consecutive values, without a factor. [rows, width]"""
    half = 1
    while half < block:
        pairs = rows.reshape(len(rows), -1, 2, half)
        a, b = pairs[:, :, 0], pairs[:, :, 1]
        rows = torch.stack((a + b, a - b), dim=2).reshape(rows.shape)
        half *= 2
    return rows


def unrotate(codes: torch.Tensor, scales: torch.Tensor, width: int) -> torch.Tensor:
    """codes [rows, padded width], scales [rows] -> [rows, width]"""
    block = min(width & -width, 1024)
    return hadamard(codes[:, :width].float(), block) * (scales * block**-0.5)[:, None] * signs(width)


def main() -> None:
    args = arguments.parse_args()
    manifest = json.loads((args.package / "gyre.json").read_text())
    assert manifest["rotation"] == {"signs": "fmix32", "maxBlock": 1024}, "packages of this rotation only"
    with torch.device("meta"):
        shapes = {n: p.shape for n, p in AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(args.package)).state_dict().items()}
    tensors = load_file(args.package / "model.safetensors")
    weights = {}
    for name, tensor in tensors.items():
        if f"{name}_scale" in tensors:
            weights[name] = unrotate(tensor, tensors[f"{name}_scale"], shapes[name][1]).contiguous()
        elif not name.endswith("_scale"):
            weights[name] = tensor.float()
    args.to.mkdir(parents=True, exist_ok=True)
    for file in manifest["files"]:
        if not file["path"].endswith(".safetensors"):
            shutil.copyfile(args.package / file["path"], args.to / file["path"])
    config = json.loads((args.to / "config.json").read_text()) | {"dtype": "float32"}
    (args.to / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(weights, args.to / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
