"""Muon (Jordan et al. 2024) for the matrices inside the layers, AdamW for everything else.

Torch has a Muon of its own, but that one works in bfloat16, which is very slow on a CPU
without instructions for it.
"""

import torch


# Polar Express (Amsel et al. 2025): the best polynomial for each step. Four bring singular values as
# near to 1 as Muon's five fixed ones do (5 % of them below 0.45, against 0.49).
STEPS = [(8.28721, -23.59589, 17.30039), (4.10706, -2.94785, 0.54484), (3.94869, -2.90890, 0.55182), (3.31842, -2.48849, 0.51005)]


def orthogonal(g: torch.Tensor) -> torch.Tensor:
    """A matrix of the same singular vectors whose singular values are all near 1."""
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (x.norm() * 1.01 + 1e-7)
    for a, b, c in STEPS:
        s = x @ x.T
        x = torch.addmm(x, torch.addmm(s, s, s, beta=b, alpha=c), x, beta=a)
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float, weight_decay: float, workers, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.workers = workers

    @torch.no_grad()
    def step(self, closure=None):
        def update(worker: int, item: tuple) -> None:
            group, p = item
            with torch.no_grad():  # which holds for one thread only
                buffer = self.state[p]["momentum"]
                buffer.lerp_(p.grad, 1 - group["momentum"])
                direction = orthogonal(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(direction, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

        items = [(group, p) for group in self.param_groups for p in group["params"]]
        for _, p in items:
            if "momentum" not in self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        self.workers.each(update, items)


def optimizers(model, workers, lr_matrices: float, lr_rest: float) -> list[torch.optim.Optimizer]:
    inside = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    chosen = {id(p) for p in inside}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    table, small = [p for p in rest if p.ndim == 2], [p for p in rest if p.ndim != 2]
    adam = torch.optim.AdamW([{"params": table, "weight_decay": 0.05}, {"params": small, "weight_decay": 0.0}],
                             lr=lr_rest, betas=(0.9, 0.98), fused=True)
    return [Muon(inside, lr_matrices, weight_decay=0.1, workers=workers), adam]
