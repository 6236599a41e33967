"""PyTorch in several processes: data-parallel training, and the workers of a loader."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import noisemax.torch as nt

# Two processes with half of a batch each: the means of their gradients are those of the whole.
TRAINING = """
import sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
import noisemax.torch as nt

rank, size, result = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(5, 4), nt.Noisemax("normal", scale=torch.nn.Parameter(torch.tensor(0.8))))
model = model.double()
features, target = torch.randn(12, 5).double(), torch.randint(4, (12,))
if size > 1:
    dist.init_process_group("gloo", rank=rank, world_size=size)
    part = slice(rank * 12 // size, (rank + 1) * 12 // size)
    features, target, model = features[part], target[part], DistributedDataParallel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(5):
    optimizer.zero_grad()
    torch.nn.functional.nll_loss(model(features).log(), target).backward()
    optimizer.step()
if rank == 0:
    torch.save([p.detach() for p in model.parameters()], result)
if size > 1:
    dist.destroy_process_group()
"""


def train(result: Path, size: int) -> list:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(rank), str(size), str(result)],
            env=environment, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    return torch.load(result)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="PyTorch was built without processes")
def test_two_processes_train_as_one(tmp_path):
    alone = train(tmp_path / "alone.pt", 1)
    together = train(tmp_path / "together.pt", 2)
    assert len(alone) == 3 and alone[-1] != 0.8
    for one, other in zip(alone, together, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-13), f"{other}, not {one}"


class Rows(torch.utils.data.Dataset):
    """Rows that a worker computes."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        logits = torch.linspace(0, index / 4, 6, dtype=torch.double)
        return nt.probabilities(logits, noise="logistic")


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_workers_of_a_loader(way):
    rows = Rows()
    expected = torch.stack([rows[index] for index in range(len(rows))])
    loader = torch.utils.data.DataLoader(rows, batch_size=4, num_workers=2, multiprocessing_context=way)
    assert torch.equal(torch.cat(list(loader)), expected)
