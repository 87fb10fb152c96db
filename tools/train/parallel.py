"""Gradients and matrix updates over several threads, each with one core.

Two threads that take row after row from a common heap are quicker than two cores inside every
product: a row's numbers stay in the cache, and nobody waits for a thread that the machine put aside.
"""

import copy
import os
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import torch

from model import losses, quick_conv


class Workers:
    def __init__(self, model, count: int):
        self.model, self.pool = model, ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        # Each copy has gradients of its own and the common weights.
        self.copies = [model]
        for _ in range(count - 1):
            other = copy.deepcopy(model)
            quick_conv(other)  # a copied module keeps the bound method of the first
            for mine, common in zip(other.parameters(), model.parameters()):
                mine.data = common.data
            self.copies.append(other)

    def each(self, work, items) -> list:
        """work(worker, item) for all items, each taken by whoever is free."""
        heap: SimpleQueue = SimpleQueue()
        for item in items:
            heap.put(item)

        def loop(worker: int) -> list:
            done = []
            while True:
                try:
                    item = heap.get_nowait()
                except Empty:
                    return done
                done.append(work(worker, item))

        return sum(self.pool.map(loop, range(len(self.copies))), [])

    def gradients(self, ids: torch.Tensor, positions: torch.Tensor, weights: torch.Tensor) -> float:
        """Leaves the batch's gradient in the model; returns its loss. Arguments [rows, length]."""
        total, cuda = weights[:, 1:].sum(), ids.is_cuda

        def work(worker: int, rows: tuple) -> float:
            with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
                nll, weight = losses(self.copies[worker], *rows)
            loss = (nll * weight).sum() / total
            loss.backward()
            return loss.item()

        loss = sum(self.each(work, list(zip(*(x.split(len(ids) if cuda else 1) for x in (ids, positions, weights))))))
        for other in self.copies[1:]:
            for mine, common in zip(other.parameters(), self.model.parameters()):
                if mine.grad is not None:
                    common.grad = mine.grad if common.grad is None else common.grad.add_(mine.grad)
                    mine.grad = None
        return loss


def cores() -> int:
    return 1 if torch.cuda.is_available() else max(1, min(8, len(os.sched_getaffinity(0))))
