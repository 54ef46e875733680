"""Losses with every option and reduction, and their gradients with respect to inputs and targets that have one."""
import itertools

import torch
from torch import nn
from torch.nn import functional as F

from .core import Family, Input, bell, call, given, inf, nan, uniform, whole

REDUCTIONS = ('mean', 'sum', 'none')


def loss(family, op, run, inputs, options, elements, slopes, divisor=None, **rest):
  """
  One loss by each reduction. `elements(x)` are the largest terms of each element's loss, `slopes(x)` those of the gradients
  of the elements, by index of the input; `divisor(x)` is what the mean divides by, the number of elements unless given.
  """
  for reduction in rest.pop('reductions', REDUCTIONS):
    # Fresh inputs, so that each case has seeds of its own.
    xs = [Input(i.shape, i.kind, i.lo, i.hi, i.dtype, i.grad, i.values) for i in inputs]
    chosen = {**options, **({} if reduction == 'mean' else {'reduction': reduction})}

    def terms(c, reduction=reduction):
      each = elements(c.x).abs()
      size = divisor(c.x) if divisor else each.numel()
      divided = size if reduction == 'mean' else c.x[0].shape[0] if reduction == 'batchmean' else 1
      each = torch.nan_to_num(each, nan=0.0)
      found = {'y0': each if reduction == 'none' else each.max() / divided if each.numel() else torch.zeros([])}
      for i, slope in slopes(c.x).items() if c.dy else ():
        dy = c.dy[0]
        if reduction == 'none' and dy.dim() < slope.dim():
          dy = dy.unsqueeze(1)
        found[f'dx{i}'] = (slope * dy).abs() / divided
      return found

    tensors = [f'${i}' for i in range(2)]
    call(family, op, lambda *t, reduction=reduction: run(*t, reduction), xs, [*tensors, *([chosen] if chosen else [])], terms, **rest)


SHAPES = [(1,), (3,), (7, 5), (), (0, 3), (129, 65), (2, 3, 4)]


def distances(family):
  """Losses of the distance between two tensors of one shape."""

  def over(op, run, options, element, slope, make=bell):
    label = f'{op} {options}' if options else op
    for shape in SHAPES:
      loss(family, op, run, [make(*shape), make(*shape)], options, lambda x: element(x[0] - x[1]),
           lambda x: {0: slope(x[0] - x[1]), 1: slope(x[0] - x[1])})
    # On and round the bends, and at the ends. With beta 0, where it is L1, PyTorch's slope at 0 is not that of its own L1.
    a = given([0.0, 1.0, -1.0, 0.5, 2.0, 1e20, -1e20, inf, -inf, nan, 0.0, 1e-30, 1e-8, 3.4e38])
    b = given([0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 1e20, 0.0, -inf, 0.0, nan, 0.0, 0.0, 1.0])
    loss(family, op, run, [a, b], options, lambda x: element(x[0] - x[1]), lambda x: {0: slope(x[0] - x[1]), 1: slope(x[0] - x[1])},
         reductions=['none'], label=f'{label} extremes', by='element', frozen=op == 'smoothL1Loss' and options.get('beta') == 0)

  over('mseLoss', lambda a, b, r: F.mse_loss(a, b, reduction=r), {}, lambda d: d * d, lambda d: 2 * d)
  over('l1Loss', lambda a, b, r: F.l1_loss(a, b, reduction=r), {}, lambda d: d, torch.sign)
  for delta in (1, 0.3, 2.5):
    over('huberLoss', lambda a, b, r: F.huber_loss(a, b, reduction=r, delta=delta), {} if delta == 1 else {'delta': delta},
         lambda d: torch.where(d.abs() <= delta, d * d / 2, delta * d.abs()), lambda d: d.clamp(-delta, delta))
  for beta in (1, 0.3, 2.5, 0):
    over('smoothL1Loss', lambda a, b, r: F.smooth_l1_loss(a, b, reduction=r, beta=beta), {} if beta == 1 else {'beta': beta},
         lambda d: torch.where(d.abs() < beta, d * d / 2 / max(beta, 1e-9), torch.clamp(d.abs(), min=beta / 2)),
         lambda d: (d / max(beta, 1e-300)).clamp(-1, 1))


def binaries(family):
  """Cross-entropies of two classes, of probabilities and of logits."""
  probability = lambda *s: uniform(*s, lo=0.01, hi=0.99)
  target = lambda *s: uniform(*s, grad=False)

  def elements(x):
    p, t = x[0], x[1]
    each = torch.maximum(t * -torch.log(p).clamp(min=-100), (1 - t) * -torch.log1p(-p).clamp(min=-100))
    return each * x[2] if len(x) > 2 else each

  def slopes(x):
    p, t = x[0], x[1]
    each = torch.maximum(p, t) / (p * (1 - p)).clamp(min=1e-12)
    return {0: each * x[2] if len(x) > 2 else each}

  def run(p, t, *rest):
    *weight, r = rest
    return F.binary_cross_entropy(p, t, weight[0].expand(p.shape) if weight else None, reduction=r)

  for shape in SHAPES:
    loss(family, 'binaryCrossEntropy', run, [probability(*shape), target(*shape)], {}, elements, slopes)
  for shape, weight in (((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 5), (7, 1)), ((3,), (1,))):
    loss(family, 'binaryCrossEntropy', run, [probability(*shape), target(*shape), uniform(*weight, hi=2.0, grad=False)], {'weight': '$2'}, elements, slopes)
  # Not 1e-30 with target 0: PyTorch's log(1 - p) is 0 there, in float64 too.
  ends = [(p, t) for p in (0.0, 1.0, 1e-30, 1 - 2.0 ** -24, 0.5, 1e-8) for t in (0.0, 1.0, 0.5) if (p, t) != (1e-30, 0.0)]
  for reduction in REDUCTIONS:
    loss(family, 'binaryCrossEntropy', run, [given([p for p, _ in ends]), given([t for _, t in ends], grad=False)], {}, elements, slopes,
         label=f'binaryCrossEntropy extremes {reduction}', reductions=[reduction], by='element')

  def logit_elements(x, weight=None, positive=None):
    z, t = x[0], x[1]
    scale = 1 if positive is None else torch.maximum(torch.ones([]), x[positive])
    # (1 - t) z, and log(1 + exp(-|z|)) + max(-z, 0).
    each = torch.maximum(((1 - t) * z).abs(), scale * F.softplus(-z)).abs()
    return each * x[weight] if weight else each

  def logit_slopes(x, weight=None, positive=None):
    z, t = x[0], x[1]
    scale = 1 if positive is None else torch.maximum(torch.ones([]), x[positive])
    each = torch.maximum(torch.sigmoid(z), t) * scale
    return {0: each * x[weight] if weight else each}

  for shape in SHAPES:
    loss(family, 'binaryCrossEntropyWithLogits', lambda z, t, r: F.binary_cross_entropy_with_logits(z, t, reduction=r),
         [bell(*shape, scale=4.0), target(*shape)], {}, logit_elements, logit_slopes)
  for shape, weight in (((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 5), (7, 1)), ((3,), (1,))):
    w = lambda: uniform(*weight, lo=0.1, hi=3.0, grad=False)
    options = {'weight': '$2'}
    loss(family, 'binaryCrossEntropyWithLogits', lambda z, t, w, r: F.binary_cross_entropy_with_logits(z, t, w, reduction=r),
         [bell(*shape, scale=4.0), target(*shape), w()], options, lambda x: logit_elements(x, 2), lambda x: logit_slopes(x, 2))
    loss(family, 'binaryCrossEntropyWithLogits', lambda z, t, p, r: F.binary_cross_entropy_with_logits(z, t, pos_weight=p, reduction=r),
         [bell(*shape, scale=4.0), target(*shape), w()], {'posWeight': '$2'}, lambda x: logit_elements(x, None, 2), lambda x: logit_slopes(x, None, 2))
  loss(family, 'binaryCrossEntropyWithLogits', lambda z, t, w, p, r: F.binary_cross_entropy_with_logits(z, t, w, pos_weight=p, reduction=r),
       [bell(7, 5), target(7, 5), uniform(7, 1, grad=False), uniform(5, hi=3.0, grad=False)], {'weight': '$2', 'posWeight': '$3'},
       lambda x: logit_elements(x, 2, 3), lambda x: logit_slopes(x, 2, 3))
  ends = [(z, t) for z in (0.0, 100.0, -100.0, 1000.0, -1000.0, 3e38, -3e38, 1e-8, 88.0, -88.0, 17.0, -17.0) for t in (0.0, 1.0, 0.5)]

  def exactly(z, t, r):
    """PyTorch's formula loses exp(-z) beside 1, in float64 too."""
    each = -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z))
    return each if r == 'none' else each.sum() if r == 'sum' else each.mean()

  for reduction in REDUCTIONS:
    loss(family, 'binaryCrossEntropyWithLogits', lambda z, t, r: F.binary_cross_entropy_with_logits(z, t, reduction=r),
         [given([z for z, _ in ends if abs(z) < 1e38 or reduction == 'none']), given([t for z, t in ends if abs(z) < 1e38 or reduction == 'none'], grad=False)],
         {}, logit_elements, logit_slopes, label=f'binaryCrossEntropyWithLogits extremes {reduction}', reductions=[reduction],
         by='element', reference=lambda z, t, reduction=reduction: exactly(z, t, reduction))


def classes(family):
  """Cross-entropies of several classes, of indices and of probabilities."""

  def parts(x, weight, ignore, smoothing):
    """log softmax, the weights of classes, and the share of each class in each row's target."""
    z, target = x[0], x[1]
    n = z.shape[1]
    w = x[2] if weight else torch.ones(n)
    logs = torch.log_softmax(z, 1)
    if target.dim() == 2:
      share = target
    else:
      keep = target.long() != ignore
      share = F.one_hot(torch.where(keep, target.long(), 0), n).double() * keep.unsqueeze(1)
      w = w.expand_as(share) * keep.unsqueeze(1)
    return logs, w, share * (1 - smoothing), smoothing / n

  def sizes(x, weight=False, ignore=-100, smoothing=0.0):
    logs, w, share, rest = parts(x, weight, ignore, smoothing)
    if not logs.numel():
      return torch.zeros(logs.shape[0])
    # The terms of log softmax: x - max, and the logarithm of a sum whose largest term is 1.
    shift = (x[0] - x[0].amax(1, keepdim=True)).abs().clamp(min=1)
    return (torch.nan_to_num(shift, posinf=0.0) * w * (share + rest)).amax(1)

  def slopes(x, weight=False, ignore=-100, smoothing=0.0):
    logs, w, share, rest = parts(x, weight, ignore, smoothing)
    p = logs.exp()
    exponent = torch.maximum(x[0].abs(), logs.abs()).clamp(min=1)
    total = (w * (share + rest)).sum(1, keepdim=True)
    return {0: torch.maximum(p * torch.where(p > 0, exponent, 0.0) * total, w * (share + rest)), **({1: logs * w} if x[1].dim() == 2 else {})}

  def divided(x, weight=False, ignore=-100):
    if x[1].dim() == 2:
      return x[0].shape[0]
    keep = x[1].long() != ignore
    w = x[2] if weight else torch.ones(x[0].shape[1])
    return float((w[torch.where(keep, x[1].long(), 0)] * keep).sum().clamp(min=1e-30))

  def picked(x, weighted, ignore):
    keep = x[1].long() != ignore
    index = torch.where(keep, x[1].long(), 0)
    each = x[0].gather(1, index[:, None])[:, 0] * keep
    return each * x[2][index] if weighted else each

  shapes = [(1, 1), (1, 3), (7, 5), (64, 10), (3, 129), (129, 3)]
  settings = list(itertools.product((False, True), (-100, 1), (0.0, 0.1, 1.0)))
  for weighted, ignore, smoothing in settings:
    options = {**({'weight': '$2'} if weighted else {}), **({'ignoreIndex': ignore} if ignore != -100 else {}), **({'labelSmoothing': smoothing} if smoothing else {})}
    for n, c in shapes if not options else [(7, 5), (64, 10)]:
      for dtype in ('int32', 'uint8') if not options else ('int32',):
        inputs = [bell(n, c), whole(n, hi=c, dtype=dtype), *([uniform(c, lo=0.2, hi=2.0, grad=False)] if weighted else [])]

        def run(z, t, *rest, ignore=ignore, smoothing=smoothing):
          *w, r = rest
          return F.cross_entropy(z, t.long(), w[0] if w else None, ignore_index=ignore, reduction=r, label_smoothing=smoothing)

        loss(family, 'crossEntropy', run, inputs, options, lambda x: sizes(x, weighted, ignore, smoothing),
             lambda x: slopes(x, weighted, ignore, smoothing), lambda x: divided(x, weighted, ignore))
    if ignore == -100:
      inputs = [bell(7, 5), uniform(7, 5), *([uniform(5, lo=0.2, hi=2.0, grad=False)] if weighted else [])]

      def soft(z, t, *rest, smoothing=smoothing):
        *w, r = rest
        return F.cross_entropy(z, t, w[0] if w else None, reduction=r, label_smoothing=smoothing)

      loss(family, 'crossEntropy', soft, inputs, options, lambda x: sizes(x, weighted, ignore, smoothing),
           lambda x: slopes(x, weighted, ignore, smoothing), lambda x: divided(x, weighted))
    if not smoothing:
      for n, c in ((1, 1), (7, 5), (64, 10)):
        inputs = [Input([n, c], 'uniform', -6.0, 0.0), whole(n, hi=c), *([uniform(c, lo=0.2, hi=2.0, grad=False)] if weighted else [])]

        def nll(z, t, *rest, ignore=ignore):
          *w, r = rest
          return F.nll_loss(z, t.long(), w[0] if w else None, ignore_index=ignore, reduction=r)

        loss(family, 'nllLoss', nll, inputs, options, lambda x: picked(x, weighted, ignore), lambda x: {}, lambda x: divided(x, weighted, ignore))

  def plain(z, t, r):
    return F.cross_entropy(z, t.long(), reduction=r)

  # Logits that overflow an exponential, and rows of one certain class.
  rows = [1000.0, 0.0, -1000.0, 0.0, 1000.0, 500.0, -3e38, 3e38, 0.0, 80.0, 0.0, -2.0, 1e-8, 0.0, -1e-8, -1000.0, -1001.0, -1002.0]
  for labels in ([0, 1, 1, 0, 2, 0], [1, 0, 1, 1, 0, 2]):
    loss(family, 'crossEntropy', plain, [given(rows, [6, 3]), given(labels, dtype='int32')], {}, sizes, slopes, divided,
         label=f'crossEntropy extremes {labels}', reductions=['none'], by='element')
  # All targets ignored: a mean of nothing.
  loss(family, 'crossEntropy', lambda z, t, r: F.cross_entropy(z, t.long(), ignore_index=1, reduction=r), [bell(2, 3), given([1, 1], dtype='int32')],
       {'ignoreIndex': 1}, lambda x: sizes(x, False, 1), lambda x: slopes(x, False, 1), lambda x: divided(x, False, 1), label='crossEntropy of ignored rows')
  loss(family, 'crossEntropy', plain, [bell(0, 3), whole(0)], {}, sizes, slopes, divided)
  loss(family, 'nllLoss', lambda z, t, r: F.nll_loss(z, t.long(), reduction=r), [given([-inf, -1.0, 0.0, -2.0], [2, 2]), given([0, 1], dtype='int32')], {},
       lambda x: picked(x, False, -100), lambda x: {}, lambda x: divided(x), label='nllLoss of an impossible class')


def divergences(family):
  def elements(x):
    t = x[1]
    return torch.maximum((t * torch.log(t)).abs(), (t * x[0]).abs())

  def log_elements(x):
    t = x[1]
    return t.exp() * torch.maximum(t.abs(), x[0].abs())

  logs = lambda *s: Input(s, 'uniform', -5.0, -0.1)
  for shape in ((1,), (7, 5), (2, 3, 4), (129, 65), (0, 3)):
    every = (*REDUCTIONS, 'batchmean')
    loss(family, 'klDiv', lambda a, b, r: F.kl_div(a, b, reduction=r), [logs(*shape), uniform(*shape, lo=0.01, grad=False)], {}, elements,
         lambda x: {0: x[1]}, reductions=every if shape[0] else REDUCTIONS)
    loss(family, 'klDiv', lambda a, b, r: F.kl_div(a, b, reduction=r, log_target=True), [logs(*shape), Input(shape, 'uniform', -5.0, -0.1, grad=False)], {'logTarget': True},
         log_elements, lambda x: {0: x[1].exp()}, reductions=every if shape[0] else REDUCTIONS)
  # Not an impossible class of target 0: PyTorch's 0 * -inf is NaN, ours 0 as the definition has it.
  ends = ([-1.0, -inf, 0.0, -200.0, -1.0], [0.0, 0.25, 1.0, 0.5, 1e-30])
  loss(family, 'klDiv', lambda a, b, r: F.kl_div(a, b, reduction=r), [given(ends[0]), given(ends[1], grad=False)], {}, elements, lambda x: {0: x[1]},
       label='klDiv extremes', reductions=['none'], by='element')
  # The target has a gradient too.
  loss(family, 'klDiv', lambda a, b, r: F.kl_div(a, b, reduction=r), [logs(7, 5), uniform(7, 5, lo=0.01)], {}, elements,
       lambda x: {0: x[1], 1: torch.maximum(torch.log(x[1]).abs() + 1, x[0].abs())})


def modules(family):
  """The classes, which compute what the functions do, with the options that they keep."""
  weights = lambda n: uniform(n, lo=0.2, hi=2.0, grad=False)

  def of(name, make, args, inputs, weighted=0):
    extra = [weights(5) for _ in range(weighted)]
    call(family, name, lambda a, b, *w: make(*w)(a, b.long() if b.dtype in (torch.int64, torch.uint8) else b), [*inputs, *extra], args,
         module=['$0', '$1'], label=f'{name} {args}')

  pair = lambda: [bell(7, 5), bell(7, 5, grad=False)]
  of('MSELoss', nn.MSELoss, [], pair())
  of('L1Loss', lambda: nn.L1Loss(reduction='sum'), [{'reduction': 'sum'}], pair())
  of('HuberLoss', lambda: nn.HuberLoss(delta=0.5), [{'delta': 0.5}], pair())
  of('SmoothL1Loss', lambda: nn.SmoothL1Loss(beta=0.5), [{'beta': 0.5}], pair())
  of('BCELoss', lambda w: nn.BCELoss(weight=w), [{'weight': '$2'}], [uniform(7, 5, lo=0.1, hi=0.9), uniform(7, 5, grad=False)], 1)
  of('BCEWithLogitsLoss', lambda w, p: nn.BCEWithLogitsLoss(w, pos_weight=p), [{'weight': '$2', 'posWeight': '$3'}], [bell(7, 5), uniform(7, 5, grad=False)], 2)
  of('CrossEntropyLoss', lambda w: nn.CrossEntropyLoss(w, ignore_index=1, label_smoothing=0.1), [{'weight': '$2', 'ignoreIndex': 1, 'labelSmoothing': 0.1}], [bell(7, 5), whole(7, hi=5)], 1)
  of('NLLLoss', lambda w: nn.NLLLoss(w, ignore_index=1), [{'weight': '$2', 'ignoreIndex': 1}], [Input([7, 5], 'uniform', -6.0, 0.0), whole(7, hi=5)], 1)
  of('KLDivLoss', lambda: nn.KLDivLoss(reduction='batchmean', log_target=True), [{'reduction': 'batchmean', 'logTarget': True}],
     [Input([7, 5], 'uniform', -5.0, -0.1), Input([7, 5], 'uniform', -5.0, -0.1, grad=False)])


def generate():
  family = Family('losses')
  for part in (distances, binaries, classes, divergences, modules):
    part(family)
  family.write()
