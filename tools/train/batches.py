"""Fills rows with whole documents. A batch depends only on (seed, step), so a run resumes exactly."""

import random

import torch

from chat import PAD, SYSTEMS, draw, encode

# Shares of the tokens at the start and at the end of training; between, a line from one to the other.
EARLY = {"tinystories": 0.04, "tinystories_chat": 0.16, "fairy_tales": 0.02, "soda": 0.0,
         "small_talk": 0.16, "about_gyre": 0.14, "stories": 0.22, "strangers": 0.26}
LATE = {"tinystories": 0.0, "tinystories_chat": 0.05, "fairy_tales": 0.0, "soda": 0.0,
        "small_talk": 0.17, "about_gyre": 0.12, "stories": 0.28, "strangers": 0.38}
CHATS = ("small_talk", "about_gyre", "stories", "strangers")  # what is joined to longer conversations


def shares(progress: float) -> dict[str, float]:
    return {source: EARLY[source] + (LATE[source] - EARLY[source]) * progress for source in EARLY}


class Batches:
    def __init__(self, tokenizer, documents: dict[str, list], length: int, rows: int, seed: int = 1):
        self.tokenizer, self.documents = tokenizer, documents
        self.length, self.rows, self.seed = length, rows, seed

    def sample(self, source: str, rng: random.Random, mix: dict[str, float]) -> tuple[list[int], list[float]]:
        turns = draw(rng.choice(self.documents[source]), rng)
        if source in CHATS and rng.random() < 0.3:  # people do not start anew for every question
            for _ in range(rng.choice((1, 1, 2, 3, 5))):
                other = rng.choices(CHATS, [mix[c] for c in CHATS])[0]
                turns = turns + draw(rng.choice(self.documents[other]), rng)
        if turns[0][0] == "user" and rng.random() < 0.06:
            turns = [("system", rng.choice(SYSTEMS)), *turns]
        return encode(self.tokenizer, turns, user_weight=0.1)

    def batch(self, step: int, progress: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """ids, positions, weights: [rows, length]"""
        rng = random.Random(f"{self.seed} {step}")
        mix, room, drawn = shares(progress), self.rows * self.length, []
        # Documents are long or short by source, so a source is drawn by what it still owes, not by chance alone.
        owed = {source: share * room * rng.uniform(0.5, 1.5) for source, share in mix.items() if share}
        while room > 0:
            source = max(owed, key=owed.get)
            ids, weights = self.sample(source, rng, mix)
            ids, weights = ids[: self.length], weights[: self.length]
            owed[source] -= len(ids)
            room -= len(ids)
            drawn.append((ids, weights))
        rows = [([], [], []) for _ in range(self.rows)]
        for ids, weights in sorted(drawn, key=lambda d: -len(d[0])):
            # The longest first, each into the fullest row that still holds it; what fits nowhere loses its end.
            fits = [r for r in rows if len(r[0]) + len(ids) <= self.length]
            row = max(fits, key=lambda r: len(r[0])) if fits else min(rows, key=lambda r: len(r[0]))
            space = self.length - len(row[0])
            row[0].extend(ids[:space])
            row[1].extend(range(min(space, len(ids))))
            row[2].extend(weights[:space])
        for ids, positions, weights in rows:
            space = self.length - len(ids)
            ids.extend([PAD] * space)
            positions.extend(range(space))
            weights.extend([0.0] * space)
        return tuple(torch.tensor([r[i] for r in rows]) for i in range(3))
