"""Layers with every option: outputs, gradients of inputs and parameters, and state, in training and after it."""
import torch
from torch import nn

from .core import Family, bell, call, plain, precisely, seed_of, uniform, whole
from .ops import camel, largest_products, largest_to, log_softmax_terms, softmax_terms
from .activations import gelu, largest_of, silu


def layer(family, name, build, args, phases, terms=None, parameters=None):
  """
  A layer that `build()` makes in PyTorch, through `phases` of (training, input): each gives an output y0, y1, …, gradients
  dx0, … of inputs and those of parameters, `weight0`, …; at the end comes the state of running statistics.
  """
  shapes = ' '.join('x'.join(map(str, x.shape)) for _, x in phases[:1])
  case = family.identify(f'{name} {args} {shapes} {"".join("t" if training else "e" for training, _ in phases)}')
  made = build()
  parameters = parameters or {key: uniform(*p.shape, lo=-1.0 if p.dim() > 1 else 0.3, hi=1.0 if p.dim() > 1 else 1.5) for key, p in made.named_parameters()}
  for key, p in parameters.items():
    p.seed = seed_of(f'{case}/{key}')
  upstream = []
  for i, (_, x) in enumerate(phases):
    x.seed = seed_of(f'{case}/x{i}')

  def once(dtype):
    model = build().to(dtype)
    for key, p in model.named_parameters():
      p.data.copy_(parameters[key].tensor(dtype))
    found = {}
    for i, (training, input) in enumerate(phases):
      model.train(training).zero_grad()
      x = input.tensor(dtype).requires_grad_(input.grad)
      y = model(x)
      if len(upstream) == i:
        upstream.append(uniform(*y.shape, lo=-1.0, hi=1.0, grad=False))
        upstream[i].seed = seed_of(f'{case}/dy{i}')
      found[f'y{i}'] = y.detach()
      if y.requires_grad:
        y.backward(upstream[i].tensor(dtype))
      if input.grad:
        found[f'dx{i}'] = x.grad
      for key, p in model.named_parameters():
        found[f'{key}{i}'] = p.grad.clone()
    for key, b in model.named_buffers():
      found[key] = b.clone()
    return found

  want, got = (precisely(d, lambda: once(d)) for d in (torch.float64, torch.float32))
  sizes = {}
  if terms:
    for i, (training, input) in enumerate(phases):
      p = {key: p.tensor(torch.float64) for key, p in parameters.items()}
      local = terms(input.tensor(torch.float64), upstream[i].tensor(torch.float64), p, training, i, want)
      sizes.update({key if key in want else f'{key}{i}': value for key, value in local.items()})
  spec = {'case': case, 'layer': name, 'args': plain(args), 'parameters': {key: p.spec() for key, p in parameters.items()},
          'phases': [{'training': t, 'input': x.spec(), 'upstream': upstream[i].spec()} for i, (t, x) in enumerate(phases)]}
  family.add(spec, lambda: [family.result(key, want[key], got[key], sizes.get(key)) for key in want])


def options(pairs):
  return [{camel(key): value for key, value in pairs.items()}] if pairs else []


def linear_terms(x, dy, p, training, i, want):
  flat, dys = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
  y = largest_products(flat, p['weight'].mT)
  if 'bias' in p:
    y = torch.maximum(y, p['bias'].abs())
  return {'y': y.reshape(dy.shape), 'dx': largest_products(dys, p['weight']).reshape(x.shape), 'weight': largest_products(dys.mT, flat),
          'bias': largest_to(dys.abs(), [1, dys.shape[1]])[0]}


def norm_terms(axes, statistics, eps):
  """The terms of (x - mean) / sqrt(variance + eps) * weight + bias. `axes` are those of one mean."""

  def terms(x, dy, p, training, i, want):
    mean, variance, own = statistics(x, training, i)
    rstd = 1 / torch.sqrt(variance + eps)
    hat = (x - mean) * rstd
    size = torch.maximum(x.abs(), mean.abs()) * rstd
    w = p.get('weight', torch.ones([]))
    g = dy * w
    y = torch.maximum(size * w.abs(), p.get('bias', torch.zeros([])).abs())
    dx = g.abs()
    if own and x.numel():
      dx = torch.maximum(torch.maximum(dx, g.mean(axes, keepdim=True).abs()), (hat * (g * hat).mean(axes, keepdim=True)).abs())
    found = {'y': y, 'dx': dx * rstd}
    for key, t in (('weight', dy * size), ('bias', dy)):
      if key in p:
        found[key] = largest_to(t.abs(), p[key].shape)
    return found

  return terms


def normalisations(family):
  for pairs in ({}, {'eps': 0.1}, {'momentum': 0.3}, {'momentum': None}, {'affine': False}, {'track_running_stats': False},
                {'affine': False, 'track_running_stats': False}, {'momentum': 0.0}, {'momentum': 1.0, 'eps': 1e-3}):
    eps = pairs.get('eps', 1e-5)
    momentum = pairs.get('momentum', 0.1)
    tracks = pairs.get('track_running_stats', True)
    for n, c in ((7, 5), (2, 1), (64, 33), (129, 10)) if not pairs else ((7, 5), (33, 3)):
      for plan in ('t', 'ttt', 'ttet', 'e'):
        if plan in ('t', 'e') and pairs and n == 33:
          continue
        phases = [(t == 't', bell(n + (k if n > 2 else 0), c)) for k, t in enumerate(plan)]
        running = {}

        def statistics(x, training, i, running=running, tracks=tracks, momentum=momentum):
          """Follows the running statistics; which are used, and whether they depend on x."""
          if i == 0:
            running.update(mean=torch.zeros(x.shape[1]), variance=torch.ones(x.shape[1]), count=0)
          if training or not tracks:
            mean, variance = x.mean(0), x.var(0, unbiased=False)
            running['count'] += 1
            share = 1 / running['count'] if momentum is None else momentum
            running['terms'] = torch.maximum((1 - share) * running['mean'].abs(), share * x.abs().amax(0) / len(x))
            running['mean'] = (1 - share) * running['mean'] + share * mean
            running['variance'] = (1 - share) * running['variance'] + share * x.var(0)
            return mean, variance, True
          return running['mean'], running['variance'], False

        normal = norm_terms([0], statistics, eps)

        def terms(x, dy, p, training, i, want, normal=normal, running=running):
          found = normal(x, dy, p, training, i, want)
          return {**found, 'running_mean': running['terms']} if 'terms' in running else found

        layer(family, 'BatchNorm1d', lambda pairs=pairs, c=c: nn.BatchNorm1d(c, **pairs), [c, *options(pairs)], phases, terms)

  for shape, sizes in (((7, 5), 5), ((7, 5), [7, 5]), ((2, 3, 4), 4), ((2, 3, 4), [3, 4]), ((1, 1), 1), ((5,), 5), ((0, 3), 3), ((33, 129), 129), ((2, 3, 1000), [1000])):
    for pairs in ({}, {'eps': 0.1}, {'elementwise_affine': False}, {'bias': False}):
      count = 1 if isinstance(sizes, int) else len(sizes)
      axes = list(range(-count, 0))

      def build(pairs=pairs, sizes=sizes):
        if pairs.get('bias', True):
          return nn.LayerNorm(sizes, **pairs)
        made = nn.LayerNorm(sizes)
        made.bias = None
        return made

      statistics = lambda x, training, i, axes=axes: (x.mean(axes, keepdim=True), x.var(axes, unbiased=False, keepdim=True), True)
      layer(family, 'LayerNorm', build, [sizes, *options(pairs)], [(True, bell(*shape))], norm_terms(axes, statistics, pairs.get('eps', 1e-5)))


def modules(family):
  """Layers without parameters: one call each, since activations are tested as functions."""

  def of(name, module, args=(), shape=(7, 5), terms=None, exact=False):
    call(family, name, module, [bell(*shape)], list(args), terms, exact, label=f'{name} {list(args)}', module=['$0'])

  of('ReLU', nn.ReLU(), exact=True)
  of('Sigmoid', nn.Sigmoid(), terms=lambda c: {'dx0': c.dy[0] * c.y[0]})
  of('Tanh', nn.Tanh(), terms=lambda c: {'dx0': c.dy[0]})
  of('LeakyReLU', nn.LeakyReLU())
  of('LeakyReLU', nn.LeakyReLU(0.3), [0.3])
  of('GELU', nn.GELU(), terms=gelu)
  of('GELU', nn.GELU(approximate='tanh'), [{'approximate': 'tanh'}], terms=gelu)
  of('SiLU', nn.SiLU(), terms=silu)
  of('Softplus', nn.Softplus())
  of('Softplus', nn.Softplus(2, 5), [{'beta': 2, 'threshold': 5}])
  of('ELU', nn.ELU(), terms=lambda c: {'dx0': c.dy[0]})
  of('ELU', nn.ELU(0.5), [0.5], terms=lambda c: {'dx0': c.dy[0]})
  of('LogSigmoid', nn.LogSigmoid())
  of('Hardtanh', nn.Hardtanh(), exact=True)
  of('Hardtanh', nn.Hardtanh(-0.5, 2.0), [-0.5, 2.0], exact=True)
  of('Hardsigmoid', nn.Hardsigmoid(), terms=lambda c: {'y0': torch.clamp(c.x[0].abs() / 6, min=0.5)})
  of('Hardswish', nn.Hardswish(), terms=lambda c: {'y0': c.x[0] * torch.clamp(c.x[0].abs(), min=3) / 6, 'dx0': largest_of(c.dy[0], c.x[0] / 3, 0.5)})
  of('ReLU6', nn.ReLU6(), exact=True)
  of('Softmax', nn.Softmax(-1), terms=softmax_terms(-1))
  of('Softmax', nn.Softmax(0), [0], terms=softmax_terms(0))
  of('LogSoftmax', nn.LogSoftmax(-1), terms=log_softmax_terms(-1))
  of('LogSoftmax', nn.LogSoftmax(0), [0], terms=log_softmax_terms(0))
  of('Flatten', nn.Flatten(), shape=(2, 3, 4), exact=True)
  of('Flatten', nn.Flatten(0, 1), [0, 1], shape=(2, 3, 4), exact=True)
  of('Flatten', nn.Flatten(), shape=(0, 3), exact=True)
  of('Identity', nn.Identity(), exact=True)
  # What is random cannot be compared; without dropping anything it is the identity.
  of('Dropout', nn.Dropout(0.0), [0], exact=True)


def generate():
  family = Family('layers')
  for n, out in ((5, 3), (1, 1), (129, 65)):
    for lead in ((), (7,), (1,), (0,), (2, 3)):
      for pairs in ({}, {'bias': False}):
        layer(family, 'Linear', lambda n=n, out=out, pairs=pairs: nn.Linear(n, out, **pairs), [n, out, *options(pairs)], [(True, bell(*lead, n))], linear_terms)

  def embedding_terms(x, dy, p, training, i, want):
    index = x.long().reshape(-1, 1).expand(-1, dy.shape[-1])
    return {'weight': torch.zeros_like(p['weight']).scatter_reduce(0, index, dy.abs().reshape(-1, dy.shape[-1]), 'amax')}

  for shape, n, size in (((4,), 5, 3), ((2, 6), 5, 3), ((3,), 1, 1), ((0,), 4, 2), ((300,), 50, 7)):
    layer(family, 'Embedding', lambda n=n, size=size: nn.Embedding(n, size), [n, size], [(True, whole(*shape, hi=n))], embedding_terms)
  normalisations(family)
  modules(family)
  layer(family, 'Dropout', lambda: nn.Dropout(0.7), [0.7], [(False, bell(7, 5))])
  family.write()
