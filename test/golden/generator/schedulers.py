"""Schedulers: 200 steps each. Learning rates are float64 on both sides, so there is no float32 error to allow for."""
import torch
from torch import optim
from torch.optim import lr_scheduler

from .core import Family, Input, seed_of
from .ops import camel

STEPS = 200

# A scheduler is its name, its arguments by position, and its options.
SINGLE = [
  ('StepLR', [30], {}), ('StepLR', [1], {'gamma': 0.99}), ('StepLR', [7], {'gamma': 0.5}), ('StepLR', [500], {}),
  ('MultiStepLR', [[30, 80, 150]], {}), ('MultiStepLR', [[1, 2, 3, 199]], {'gamma': 0.5}), ('MultiStepLR', [[50, 50]], {'gamma': 0.3}),
  ('ExponentialLR', [0.98], {}), ('ExponentialLR', [0.5], {}), ('ExponentialLR', [1.0], {}),
  ('CosineAnnealingLR', [200], {}), ('CosineAnnealingLR', [50], {'eta_min': 0.001}), ('CosineAnnealingLR', [7], {}), ('CosineAnnealingLR', [1], {'eta_min': 0.01}),
  ('LinearLR', [], {}), ('LinearLR', [], {'start_factor': 0.01, 'total_iters': 100}), ('LinearLR', [], {'start_factor': 1.0, 'end_factor': 0.1, 'total_iters': 150}),
  ('LinearLR', [], {'start_factor': 0.5, 'end_factor': 0.5, 'total_iters': 1}),
]
CYCLES = [
  {'max_lr': 0.1, 'total_steps': 201}, {'max_lr': 0.1, 'epochs': 21, 'steps_per_epoch': 10}, {'max_lr': 0.5, 'total_steps': 250, 'pct_start': 0.1, 'anneal_strategy': 'linear'},
  {'max_lr': 0.1, 'total_steps': 220, 'three_phase': True, 'div_factor': 10.0, 'final_div_factor': 100.0}, {'max_lr': 0.1, 'total_steps': 201, 'cycle_momentum': False},
  {'max_lr': 0.1, 'total_steps': 201, 'base_momentum': 0.7, 'max_momentum': 0.99, 'pct_start': 0.5, 'anneal_strategy': 'linear', 'three_phase': True},
]
CHAINS = [
  ([('LinearLR', [], {'start_factor': 0.1, 'total_iters': 10}), ('CosineAnnealingLR', [190], {})], [10]),
  ([('LinearLR', [], {'start_factor': 0.01, 'total_iters': 5}), ('ExponentialLR', [0.99], {}), ('StepLR', [20], {'gamma': 0.5})], [5, 100]),
  ([('ExponentialLR', [0.9], {}), ('ExponentialLR', [0.99], {})], [50]),
]
PLATEAUS = [{}, {'factor': 0.5, 'patience': 3}, {'mode': 'max', 'patience': 5}, {'patience': 2, 'threshold': 0.05, 'threshold_mode': 'abs', 'cooldown': 4},
            {'patience': 0, 'factor': 0.9, 'min_lr': 0.02}, {'mode': 'max', 'threshold_mode': 'abs', 'threshold': 0.01, 'factor': 0.7, 'patience': 4}, {'patience': 1, 'factor': 0.1, 'eps': 1e-3}]


def build(optimizer, name, args, pairs):
  return getattr(lr_scheduler, name)(optimizer, *args, **pairs)


def spec_of(name, args, pairs):
  return {'scheduler': name, 'args': [*args, *([{camel(key): value for key, value in pairs.items()}] if pairs else [])]}


def run(family, spec, make, optimizer_name='SGD', options=None, metrics=None):
  """Two groups, 0.1 and 0.03; the rates after each step, and at first those before any."""
  options = options or {}
  case = family.identify(f'{spec["scheduler"]} {spec.get("args", spec.get("milestones"))} of {optimizer_name}')
  ps = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
  optimizer = getattr(optim, optimizer_name)([{'params': [ps[0]], 'lr': 0.1}, {'params': [ps[1]], 'lr': 0.03}], **{'lr': 0.1, **options})
  scheduler = make(optimizer)
  if metrics:
    metrics.seed = seed_of(case)
  values = metrics.array() if metrics else None
  momentum_of = lambda group: group['momentum'] if 'momentum' in group else group['betas'][0]
  read = lambda: ([g['lr'] for g in optimizer.param_groups], [momentum_of(g) for g in optimizer.param_groups])
  rows = [read()]
  for step in range(STEPS):
    for p in ps:
      p.grad = torch.zeros(1)
    optimizer.step()
    scheduler.step(*([float(values[step])] if metrics else []))
    rows.append(read())
  spec = {'case': case, **spec, 'optimizer': optimizer_name, 'options': {camel(k): v for k, v in options.items()}}
  if metrics:
    spec['metrics'] = metrics.spec()

  def results():
    found = [('lr', [lr for lr, _ in rows])]
    if spec['scheduler'] == 'OneCycleLR':
      found.append(('momentum', [m for _, m in rows]))
    return [{'name': name, 'shape': [STEPS + 1, 2], 'at': family.floats(values, '<f8')} for name, values in found]

  family.add(spec, results)


def generate():
  family = Family('schedulers')
  for name, args, pairs in SINGLE:
    run(family, spec_of(name, args, pairs), lambda o: build(o, name, args, pairs))
  for pairs in CYCLES:
    for optimizer, options in (('SGD', {'momentum': 0.9}), ('Adam', {})):
      run(family, spec_of('OneCycleLR', [], pairs), lambda o: build(o, 'OneCycleLR', [], pairs), optimizer, options)
  for parts, milestones in CHAINS:
    run(family, {'scheduler': 'SequentialLR', 'schedulers': [spec_of(*part) for part in parts], 'milestones': milestones},
        lambda o: lr_scheduler.SequentialLR(o, [build(o, *part) for part in parts], milestones))
  for pairs in PLATEAUS:
    metrics = Input([STEPS], 'uniform', 0.5, 1.0, grad=False)
    run(family, spec_of('ReduceLROnPlateau', [], pairs), lambda o: build(o, 'ReduceLROnPlateau', [], pairs), metrics=metrics)
  family.write()
