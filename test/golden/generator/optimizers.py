"""Optimizers: 100 steps by gradients that do not depend on the parameters, compared at every tenth."""
import torch
from torch import optim
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from .core import Family, Input, bell, precisely, seed_of
from .ops import camel

STEPS, EVERY, KEPT = 100, 10, 20
SHAPES = [(3, 4), (5,), (1,), (9, 17)]

SETTINGS = {
  'SGD': [{}, {'lr': 0.1, 'momentum': 0.9}, {'lr': 0.05, 'momentum': 0.9, 'dampening': 0.5, 'weight_decay': 0.01},
          {'lr': 0.05, 'momentum': 0.9, 'nesterov': True}, {'lr': 0.05, 'weight_decay': 0.1},
          {'lr': 0.02, 'momentum': 0.5, 'nesterov': True, 'weight_decay': 1e-3}],
  'Adam': [{}, {'lr': 0.01}, {'lr': 0.02, 'betas': (0.8, 0.9), 'eps': 1e-4}, {'lr': 0.01, 'weight_decay': 0.1}, {'lr': 0.1, 'betas': (0.0, 0.99)},
           {'lr': 0.01, 'betas': (0.9, 0.9999), 'eps': 1e-3, 'weight_decay': 0.01}, {'lr': 0.02, 'betas': (0.8, 0.7), 'amsgrad': True}],
  'AdamW': [{}, {'lr': 0.01, 'weight_decay': 0.1}, {'lr': 0.02, 'betas': (0.8, 0.9), 'eps': 1e-4}, {'lr': 0.01, 'weight_decay': 0.0},
            {'lr': 0.02, 'betas': (0.8, 0.7), 'amsgrad': True}],
  'RMSprop': [{'lr': 0.01}, {'lr': 0.001}, {'lr': 0.01, 'centered': True}, {'lr': 0.005, 'momentum': 0.9}, {'lr': 0.01, 'weight_decay': 0.1},
              {'lr': 0.005, 'alpha': 0.9, 'eps': 1e-4, 'centered': True, 'momentum': 0.5, 'weight_decay': 0.01}],
  'Adagrad': [{}, {'lr': 0.1}, {'lr': 0.1, 'lr_decay': 0.05}, {'lr': 0.1, 'weight_decay': 0.1}, {'lr': 0.1, 'initial_accumulator_value': 0.5, 'eps': 1e-4}],
}

# By the indices of parameters; with options of their own.
GROUPS = {
  'SGD': ({'lr': 0.1, 'momentum': 0.9}, [{'params': [0, 2]}, {'params': [1, 3], 'lr': 0.01, 'momentum': 0.0, 'weight_decay': 0.1}]),
  'Adam': ({'lr': 0.01}, [{'params': [3, 1], 'betas': (0.5, 0.9)}, {'params': [0, 2], 'lr': 0.1, 'weight_decay': 0.1}]),
  'AdamW': ({'lr': 0.01}, [{'params': [0, 1]}, {'params': [2, 3], 'weight_decay': 0.0}]),
  'RMSprop': ({'lr': 0.01}, [{'params': [0, 1], 'centered': True}, {'params': [2, 3], 'momentum': 0.9, 'lr': 0.001}]),
  'Adagrad': ({'lr': 0.1}, [{'params': [0, 1]}, {'params': [2, 3], 'lr': 0.01, 'eps': 1e-2}]),
}

CLIPS = [{'norm': 1.0}, {'norm': 0.5, 'normType': 'Infinity'}, {'norm': 3.0, 'normType': 1}, {'norm': 100.0, 'normType': 3}, {'value': 0.3}]


def trajectory(family, name, options, groups=None, clip=None, rare=False):
  """`rare`: the second parameter has no gradient at odd steps, and so is skipped."""
  named = lambda pairs: {camel(key): value for key, value in pairs.items()}
  spec = {'optimizer': name, 'options': named(options)}
  if groups:
    spec['groups'] = [named(group) for group in groups]
  if clip:
    spec['clip'] = clip
  if rare:
    spec['rare'] = True
  case = family.identify(' '.join([name, str(spec['options']), *(['in groups'] if groups else []), *([f'clipped {clip}'] if clip else []), *(['rare'] if rare else [])]))
  parameters = [bell(*shape) for shape in SHAPES]
  gradients = [Input(shape, 'uniform', -1.0, 1.0, grad=False) for shape in SHAPES]
  for i, (p, g) in enumerate(zip(parameters, gradients)):
    p.seed, g.seed = seed_of(f'{case}/p{i}'), seed_of(f'{case}/g{i}') & 0x7FFFFFFF

  def once(dtype):
    ps = [torch.nn.Parameter(p.tensor(dtype)) for p in parameters]
    given = [{**group, 'params': [ps[i] for i in group['params']]} for group in groups] if groups else ps
    optimizer = getattr(optim, name)(given, **({'lr': 0.01, **options} if name == 'SGD' else options))
    # Of large parameters a part is kept.
    positions = lambda: torch.cat([p.detach().reshape(-1)[:KEPT] for p in ps])
    farthest, taken, sizes, norms = positions().abs(), [], [], []
    for step in range(STEPS):
      for i, (p, g) in enumerate(zip(ps, gradients)):
        # The seed moves on with the step.
        p.grad = None if rare and i == 1 and step % 2 else g.tensor(dtype, (g.seed + step) & 0xFFFFFFFF)
      if clip and 'value' in clip:
        clip_grad_value_(ps, clip['value'])
      elif clip:
        norms.append(clip_grad_norm_(ps, clip['norm'], float(clip.get('normType', 2))).reshape(1))
      optimizer.step()
      farthest = torch.maximum(farthest, positions().abs())
      if (step + 1) % EVERY == 0:
        taken.append(positions())
        sizes.append(farthest)
    found = {'positions': torch.stack(taken)}
    if norms:
      found['norms'] = torch.stack(norms)
    # A position is a sum of steps: its largest term is the farthest it has been.
    return found, {'positions': torch.stack(sizes)}

  (want, sizes), (got, _) = (precisely(d, lambda: once(d)) for d in (torch.float64, torch.float32))
  spec = {'case': case, **spec, 'parameters': [p.spec() for p in parameters], 'gradients': [g.spec() for g in gradients]}
  family.add(spec, lambda: [family.result(key, want[key], got[key], sizes.get(key), by='rows') for key in want])


def generate():
  family = Family('optimizers')
  for name, settings in SETTINGS.items():
    for options in settings:
      trajectory(family, name, options)
    trajectory(family, name, *GROUPS[name])
    trajectory(family, name, settings[1], rare=True)
    trajectory(family, name, {**settings[1], 'maximize': True})
  for clip in CLIPS:
    trajectory(family, 'SGD', {'lr': 0.1, 'momentum': 0.9}, clip=clip)
    trajectory(family, 'Adam', {'lr': 0.01}, clip=clip)
  family.write()
