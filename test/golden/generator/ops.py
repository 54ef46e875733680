"""Every operation of tensors that PyTorch has."""
import itertools
import math

import torch

from .core import LIMIT, Context, Family, Input, bell, call, given, inf, nan, real, ties, uniform, whole, wide

SMALL = 2.0 ** -149
LARGE = 3.4028234663852886e38
SPECIAL = [0.0, -0.0, inf, -inf, nan, SMALL, -SMALL, 2.0 ** -126, -(2.0 ** -127), LARGE, -LARGE, 1.0, -1.0, 0.5, -0.5, 1.5,
           -1.5, 2.5, 1e-8, -1e-8, 1e-4, -1e-4, 1e20, -1e20, 16777216.0, 16777215.0, -8388607.5, 3.0, -3.0]
EXPONENTS = [88.0, 88.72, 88.73, 89.0, -87.0, -87.4, -88.0, -90.0, -100.0, -103.0, -103.9, -104.0, 10.0, -10.0, 17.0, -17.0,
             9.0, -9.0, 20.0, -20.0, 0.999, -0.999, 4.0, -4.0, 6.0, -6.0]
SHAPES = [(1,), (3,), (7, 5), (2, 3, 4), (), (0,), (2, 0, 3), (129, 65)]


def camel(name):
  first, *rest = name.split('_')
  return first + ''.join(word.capitalize() for word in rest)


# --- element by element ------------------------------------------------------------------------------------------------


def maps(family, op, run, args=(), shapes=SHAPES, make=bell, terms=None, extremes=(), exact=False, spread=True, without=(), reference=None):
  """One operation of one tensor: over shapes, over the exponents of float32, and at the ends, but for those in `without`."""
  args = ['$0', *args]
  for shape in shapes:
    call(family, op, run, [make(*shape)], args, terms, exact, reference=reference)
  if spread:
    x = wide(200)
    if make is not bell:
      x = Input([200], 'values', values=[float(abs(v)) for v in seeded(x, op)])
    call(family, op, run, [x], args, terms, exact, label=f'{op} {args[1:]} wide', reference=reference)
  ends = given([v for v in [*SPECIAL, *EXPONENTS, *extremes] if str(v) not in without])
  call(family, op, run, [ends], args, terms, exact, by='element', label=f'{op} {args[1:]} extremes', upstream=given([1.0] * len(ends.values)), reference=reference)
  call(family, op, lambda x: run(real(x)), [whole(6, lo=-3, hi=9)], args, forward_terms(terms) if terms else None, exact, label=f'{op} {args[1:]} int32')


def forward_terms(terms):
  """Of integers, which have no gradient."""
  def found(c):
    every = terms(Context([c.x[0].double()], c.y, [torch.zeros_like(c.y[0])], {}))
    return {'y0': every['y0']} if 'y0' in every else {}
  return found


def seeded(x, text):
  x.seed = len(text)
  return x.array()


def positive(*shape):
  return uniform(*shape, lo=0.01, hi=4.0)


def above_minus_one(*shape):
  return uniform(*shape, lo=-0.99, hi=4.0)


def unary(family):
  maps(family, 'relu', torch.relu, exact=True)
  maps(family, 'sigmoid', torch.sigmoid, terms=lambda c: {'dx0': c.dy[0] * c.y[0]})
  maps(family, 'tanh', torch.tanh, terms=lambda c: {'dx0': c.dy[0]})
  maps(family, 'exp', torch.exp)
  maps(family, 'log', torch.log, make=positive)
  maps(family, 'log1p', torch.log1p, make=above_minus_one, extremes=[-0.99999, -0.75])
  # The gradient is dy (y + 1).
  maps(family, 'expm1', torch.expm1, terms=lambda c: {'dx0': c.dy[0] * torch.clamp(c.y[0].abs(), min=1)})
  maps(family, 'sqrt', torch.sqrt, make=positive)
  maps(family, 'rsqrt', torch.rsqrt, make=positive)
  maps(family, 'square', torch.square)
  maps(family, 'reciprocal', torch.reciprocal)
  maps(family, 'sin', torch.sin, extremes=[math.pi, -math.pi / 2, 1e5, 12345.678])
  maps(family, 'cos', torch.cos, extremes=[math.pi, -math.pi / 2, 1e5, 12345.678])
  maps(family, 'erf', torch.erf)
  for op, run in [('neg', torch.neg), ('abs', torch.abs), ('sign', torch.sign), ('floor', torch.floor),
                  ('ceil', torch.ceil), ('round', torch.round), ('trunc', torch.trunc)]:
    maps(family, op, run, exact=True)
  for p in (0, 1, 2, 3, -1, -2):
    maps(family, 'pow', lambda x, p=p: x.pow(p), [p], shapes=[(7, 5), (1,), (0,)])
  for p in (0.5, -0.5, 2.7, -1.3):
    # PyTorch makes a square root of an exponent of one half, which goes by the sign; ours goes by IEEE 754's pow.
    without = ['-0.0', '-inf'] if abs(p) == 0.5 else []
    maps(family, 'pow', lambda x, p=p: x.pow(p), [p], shapes=[(7, 5), (129, 65)], make=positive, without=without)
  for low, high in ((-1.5, 2), (0.25, None), (None, 0.25), (2, 1)):
    maps(family, 'clamp', lambda x, low=low, high=high: x.clamp(low, high), [low, high], exact=True, extremes=[0.25, 2.0])


PAIRS = [((3,), (3,)), ((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 1), (1, 5)), ((), (3,)), ((2, 3, 4), (3, 1)), ((0, 3), (1,)),
         ((1,), (33, 65)), ((129, 65), (65,)), ((65,), (129, 1)), ((2, 1, 0), (3, 1))]


def spread_terms(local):
  """Terms of gradients that are summed over the axes along which an input broadcast."""

  def terms(c):
    found = local(c)
    for i, x in enumerate(c.x):
      if f'dx{i}' in found:
        found[f'dx{i}'] = largest_to(found[f'dx{i}'].abs().expand(c.y[0].shape), x.shape)
    return found

  return terms


def largest_to(terms, shape):
  """The largest of what an axis of size 1, or none, is expanded to."""
  while terms.dim() > len(shape):
    terms = terms.amax(0) if terms.shape[0] else torch.zeros(terms.shape[1:])
  for axis, size in enumerate(shape):
    if size == 1 and terms.shape[axis] != 1:
      terms = terms.amax(axis, keepdim=True) if terms.shape[axis] else torch.zeros([*terms.shape[:axis], 1, *terms.shape[axis + 1:]])
  return terms


def binary(family):
  grads = {
    'add': lambda c: {'y0': torch.maximum(c.x[0].abs(), c.x[1].abs()), 'dx0': c.dy[0], 'dx1': c.dy[0]},
    'sub': lambda c: {'y0': torch.maximum(c.x[0].abs(), c.x[1].abs()), 'dx0': c.dy[0], 'dx1': c.dy[0]},
    'mul': lambda c: {'dx0': c.dy[0] * c.x[1], 'dx1': c.dy[0] * c.x[0]},
    'div': lambda c: {'dx0': c.dy[0] / c.x[1], 'dx1': c.dy[0] * c.x[0] / c.x[1] ** 2},
    'maximum': lambda c: {'dx0': c.dy[0], 'dx1': c.dy[0]},
    'minimum': lambda c: {'dx0': c.dy[0], 'dx1': c.dy[0]},
  }
  ends = [0.0, -0.0, inf, -inf, nan, SMALL, 2.0 ** -126, LARGE, -LARGE, 1.0, -1.5, 1e-8, 1e20, 3.0]
  table = list(itertools.product(ends, ends))
  for op, local in grads.items():
    run = getattr(torch, op)
    make = (lambda *s: ties(*s)) if op in ('maximum', 'minimum') else bell
    for a, b in PAIRS:
      second = uniform(*b, lo=0.3, hi=3.0) if op == 'div' else make(*b)
      call(family, op, run, [make(*a), second], terms=spread_terms(local))
    call(family, op, run, [wide(200, lo=-20, hi=20), wide(200, lo=-20, hi=20)], terms=spread_terms(local), label=f'{op} wide')
    call(family, op, run, [given([a for a, _ in table]), given([b for _, b in table])], terms=spread_terms(local),
         by='element', label=f'{op} extremes', upstream=given([1.0] * len(table)))
    for value in (0.0, 2.5, -3, inf):
      other = lambda value: torch.tensor(float(value))
      call(family, op, lambda x, value=value: run(x, other(value)), [bell(7, 5)], ['$0', value],
           lambda c, value=value: {'y0': torch.maximum(c.x[0].abs(), torch.tensor(float(value)).abs())} if op in ('add', 'sub') else {})
    call(family, op, lambda a, b: run(real(a), real(b)), [whole(7, lo=-3), whole(7, lo=1, dtype='uint8')], label=f'{op} int32 uint8')
    call(family, op, lambda a, b: run(real(a), b), [whole(7, lo=0, hi=2, dtype='bool'), uniform(7, lo=1.0)], label=f'{op} bool float32',
         terms=spread_terms(lambda c: local(Context64(c))))
  for op in ('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'logical_and', 'logical_or', 'logical_xor'):
    run = getattr(torch, op)
    for a, b in PAIRS:
      call(family, camel(op), run, [ties(*a), ties(*b)])
    call(family, camel(op), run, [given([a for a, _ in table]), given([b for _, b in table])], label=f'{camel(op)} extremes')
    call(family, camel(op), run, [whole(30, lo=-2, hi=3), whole(30, lo=0, hi=3, dtype='uint8')], label=f'{camel(op)} int32 uint8')
    if not op.startswith('logical'):
      call(family, camel(op), lambda x: run(x, 1), [ties(7, 5)], ['$0', 1])
  for op, run in (('logicalNot', torch.logical_not), ('isNan', torch.isnan), ('isInf', torch.isinf), ('isFinite', torch.isfinite)):
    for shape in ((3,), (7, 5), (), (0,)):
      call(family, op, run, [ties(*shape)])
    call(family, op, run, [given(SPECIAL)], label=f'{op} extremes')
    call(family, op, run, [whole(9, lo=-2, hi=3)], label=f'{op} int32')


class Context64:
  """Integers as what they are converted to."""

  def __init__(self, c):
    self.x, self.y, self.dy = [x.double() for x in c.x], c.y, c.dy


def choice(family):
  condition = lambda *s: whole(*s, lo=0, hi=2, dtype='bool')
  for c, a, b in (((7, 5), (7, 5), (7, 5)), ((5,), (7, 1), ()), ((7, 1), (5,), (7, 5)), ((0, 3), (3,), (1,)), ((1,), (129, 65), (65,))):
    call(family, 'where', torch.where, [condition(*c), bell(*a), bell(*b)],
         terms=spread_terms(lambda c: {'dx1': c.dy[0], 'dx2': c.dy[0]}))
  call(family, 'where', lambda c, a: torch.where(c, a, torch.tensor(-1.5)), [condition(7, 5), bell(7, 5)], ['$0', '$1', -1.5])


# --- products ----------------------------------------------------------------------------------------------------------


def largest_products(a, b):
  """The largest |a_ik b_kj| of each element of a product of matrices with equal leading axes."""
  terms = torch.zeros([*a.shape[:-1], b.shape[-1]], dtype=torch.float64)
  for k in range(a.shape[-1]):
    terms = torch.maximum(terms, a[..., :, k, None].abs() * b[..., k, None, :].abs())
  return terms


def matmul_terms(c):
  a, b, dy = c.x[0], c.x[1], c.dy[0]
  row, column = a.dim() == 1, b.dim() == 1
  a, b = a[None, :] if row else a, b[:, None] if column else b
  dy = dy.unsqueeze(-1) if column else dy
  dy = dy.unsqueeze(-2) if row else dy
  lead = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
  wide_a, wide_b = a.expand(*lead, *a.shape[-2:]), b.expand(*lead, *b.shape[-2:])
  y = largest_products(wide_a, wide_b)
  da = largest_to(largest_products(dy, wide_b.mT), a.shape)
  db = largest_to(largest_products(wide_a.mT, dy), b.shape)
  return {'y0': y.reshape(c.y[0].shape), 'dx0': da.reshape(c.x[0].shape), 'dx1': db.reshape(c.x[1].shape)}


def products(family):
  shapes = [((3,), (3,)), ((1, 1), (1, 1)), ((2, 3), (3, 4)), ((5, 7), (7, 3)), ((7,), (7, 5)), ((5, 7), (7,)), ((1, 65), (65, 1)),
            ((17, 33), (33, 9)), ((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((2, 3, 4), (4,)),
            ((0, 3), (3, 4)), ((2, 0), (0, 4)), ((2, 3, 0), (0, 5)), ((128, 784), (784, 32)), ((3, 1000), (1000, 10)), ((257, 5), (5, 129))]
  for a, b in shapes:
    call(family, 'matmul', torch.matmul, [bell(*a), bell(*b)], terms=matmul_terms)
  call(family, 'matmul', torch.matmul, [uniform(9, 300), uniform(300, 9)], terms=matmul_terms, label='matmul of positive numbers')
  call(family, 'matmul', torch.matmul, [wide(9, 30, lo=-12, hi=12), wide(30, 9, lo=-12, hi=12)], terms=matmul_terms, label='matmul wide')
  call(family, 'matmul', torch.matmul, [given([1.0, inf, nan, 2.0, -inf, 0.0, 3.0, 1e38, 1e38], [3, 3]), given([1.0, 0.0, 2.0, 1.0, 1.0, -1.0, 5.0, 6.0, 7.0], [3, 3])],
       frozen=True, label='matmul extremes')
  call(family, 'matmul', lambda a, b: real(a) @ real(b), [whole(4, 5), whole(5, 3, dtype='uint8')], label='matmul int32 uint8')
  for n in (1, 7, 65, 1000, 0):
    # PyTorch may be right by luck in a result of one element: of a long sum its error is the largest of as many draws as elements are kept of others.
    with family.together():
      for k in range(LIMIT if n == 65 else 1):
        call(family, 'dot', torch.dot, [bell(n), bell(n)], terms=dot_terms, frozen=k > 0)
  for m, n in ((1, 1), (3, 5), (0, 4), (65, 129)):
    call(family, 'outer', torch.outer, [bell(m), bell(n)], terms=lambda c: {
      'dx0': largest_to((c.dy[0] * c.x[1]).abs(), [len(c.x[0]), 1])[:, 0], 'dx1': largest_to((c.dy[0] * c.x[0][:, None]).abs(), [1, len(c.x[1])])[0]})
  for x, out, bias in (((5, 7), 3, True), ((5, 7), 3, False), ((2, 3, 7), 4, True), ((0, 7), 3, True), ((1, 1), 1, True), ((64, 129), 65, True), ((7,), 4, True)):
    inputs = [bell(*x), bell(out, x[-1])] + ([bell(out)] if bias else [])
    call(family, 'linear', torch.nn.functional.linear, inputs, terms=linear_terms)
  equations = [('ij,jk->ik', (3, 4), (4, 5)), ('bij,bjk->bik', (2, 3, 4), (2, 4, 5)), ('i,j->ij', (3,), (4,)), ('ij,ij->', (5, 6), (5, 6)),
               ('bhqd,bhkd->bhqk', (2, 2, 3, 4), (2, 2, 5, 4)), ('ij->ji', (3, 4)), ('ij->i', (3, 4)), ('ii->i', (4, 4)), ('ii', (4, 4)), ('...ij,...jk', (2, 3, 4), (4, 5)),
               ('i,ij,j', (3,), (3, 4), (4,)), ('ba', (2, 3)), ('ij,kj->ik', (0, 3), (2, 3)), ('b,bc->bc', (3,), (3, 2))]
  for equation, *shapes in equations:
    call(family, 'einsum', lambda *x, equation=equation: torch.einsum(equation, *x), [bell(*s) for s in shapes],
         [equation, *(f'${i}' for i in range(len(shapes)))], terms=lambda c, equation=equation: einsum_terms(equation, c))


def dot_terms(c):
  return {'y0': (c.x[0] * c.x[1]).abs().max() if len(c.x[0]) else torch.zeros([])}


def linear_terms(c):
  x, w, dy = (t.reshape(-1, t.shape[-1]) for t in (c.x[0], c.x[1], c.dy[0]))
  y = largest_products(x, w.mT)
  found = {'dx0': largest_products(dy, w).reshape(c.x[0].shape), 'dx1': largest_products(dy.mT, x)}
  if len(c.x) > 2:
    y = torch.maximum(y, c.x[2].abs())
    found['dx2'] = largest_to(dy.abs(), [1, dy.shape[1]])[0]
  return {'y0': y.reshape(c.y[0].shape), **found}


def einsum_terms(equation, c):
  """All products before they are summed, by an equation that keeps every letter; a gradient is the product of the rest with dy."""
  sides = equation.replace(' ', '').split('->')
  inputs = sides[0].split(',')
  if '...' in equation:
    inputs = [s.replace('...', 'Z') if x.dim() == len(s) - 2 else s.replace('...', '') for s, x in zip(inputs, c.x)]
  letters = sorted(set(''.join(inputs)))
  implicit = ''.join(s for s in letters if ''.join(inputs).count(s) == 1 or s == 'Z')
  output = sides[1] if len(sides) > 1 else implicit

  def largest(labels, factors, target):
    full = torch.einsum(','.join(labels) + '->' + ''.join(letters), *(f.abs() for f in factors))
    drop = [i for i, s in enumerate(letters) if s not in target]
    if drop:
      full = full.amax(drop) if full.numel() else torch.zeros([n for i, n in enumerate(full.shape) if i not in drop])
    kept = [s for s in letters if s in target]
    return torch.einsum(''.join(kept) + '->' + target, full) if target else full

  found = {'y0': largest(inputs, c.x, output)}
  ones = {s: n for label, x in zip(inputs, c.x) for s, n in zip(label, x.shape)}
  for i, label in enumerate(inputs):
    if len(set(label)) < len(label):
      continue
    rest = [(s, x) for j, (s, x) in enumerate(zip(inputs, c.x)) if j != i]
    have = set(output + ''.join(s for s, _ in rest))
    rest += [(s, torch.ones(ones[s], dtype=torch.float64)) for s in letters if s not in have]
    found[f'dx{i}'] = largest([output, *(s for s, _ in rest)], [c.dy[0], *(x for _, x in rest)], label)
  return found


# --- along axes --------------------------------------------------------------------------------------------------------

AXES = [((5,), None, False), ((7, 5), None, False), ((7, 5), 0, False), ((7, 5), 1, True), ((7, 5), -1, False), ((2, 3, 4), (0, 2), False),
        ((2, 3, 4), (0, 2), True), ((2, 3, 4), 1, False), ((1, 1), 0, False), ((3, 1), 1, False), ((), None, False), ((4, 0), 0, False),
        ((129, 65), None, False), ((129, 65), 0, False), ((129, 65), 1, False), ((4, 65, 33), 1, True)]
EMPTY = [((0,), None, False), ((4, 0), 1, True), ((0, 3), None, False)]


def every(x):
  return list(range(x.dim()))


def along(x, dim):
  return every(x) if dim is None else dim


def largest(x, dim, keep):
  dims = along(x, dim)
  x = x.abs()
  if dims == []:
    return x
  if x.numel() == 0:
    return x.sum(dims, keepdim=keep)
  return x.amax(dims, keepdim=keep)


def reduce(family, op, run, terms=None, axes=AXES + EMPTY, make=bell, args=(), options=None, exact=False):
  """`run(x, dims, keepdim)`, `terms(x, y, dy, dims)` with y and dy as if the axes had been kept."""
  for shape, dim, keep in axes:
    extra = {**({'keepdim': True} if keep else {}), **(options or {})}
    call_args = ['$0', *args, *([dim] if dim is not None or extra else []), *([extra] if extra else [])]
    kept = lambda x, t, dim=dim: t.reshape([1 if i in axes_of(x, dim) else n for i, n in enumerate(x.shape)])

    def found(c, dim=dim, keep=keep, kept=kept):
      x = c.x[0]
      dy = kept(x, c.dy[0]) if c.dy else None
      return terms(x, kept(x, c.y[0]), dy, dim, keep)

    call(family, op, lambda x, dim=dim, keep=keep: run(x, along(x, dim), keep), [make(*shape)], call_args,
         found if terms else None, exact)


def axes_of(x, dim):
  dims = every(x) if dim is None else [dim] if isinstance(dim, int) else dim
  return [d % max(x.dim(), 1) for d in dims]


def count(x, dim):
  return math.prod(x.shape[i] for i in axes_of(x, dim))


def reductions(family):
  def summed(x, dims, keep):
    return x.sum(dims, keepdim=keep) if dims != [] else x.sum()

  reduce(family, 'sum', summed, lambda x, y, dy, dim, keep: {'y0': largest(x, dim, keep)})
  reduce(family, 'mean', lambda x, dims, keep: x.mean(dims, keepdim=keep) if dims != [] else x.mean(),
         lambda x, y, dy, dim, keep: {'y0': largest(x, dim, keep) / max(count(x, dim), 1)})
  reduce(family, 'sum', summed, lambda x, y, dy, dim, keep: {'y0': largest(x, dim, keep)}, make=uniform)
  call(family, 'sum', lambda x: real(x).sum(0), [whole(9, 4, lo=-9)], ['$0', 0], label='sum int32')
  call(family, 'mean', lambda x: real(x).mean(1), [whole(9, 4, lo=0, hi=2, dtype='bool')], ['$0', 1], label='mean bool')
  for op, run in (('sum', torch.sum), ('mean', torch.mean), ('prod', torch.prod), ('max', torch.amax), ('min', torch.amin)):
    for values in ([1.0, inf, 2.0], [inf, -inf, 1.0], [nan, inf, 0.0], [LARGE, -LARGE, 1.0], [0.0, 0.0, 5.0], [0.0, 2.0, 5.0]):
      if op == 'prod' and LARGE in values:
        continue  # In float32 the product overflows, and with it PyTorch's gradient.
      # PyTorch shares the gradient of a NaN among no elements, 0 / 0; ours gives it to the NaN.
      frozen = op in ('max', 'min') and nan in values
      call(family, op, (lambda x, run=run: run(x, dim=0)), [given(values)], ['$0'], label=f'{op} of {values}', frozen=frozen,
           terms=lambda c: {'y0': torch.nan_to_num(c.x[0]).abs().max()} if op in ('sum', 'mean') else {})

  def product(x, dims, keep):
    if isinstance(dims, int):
      return x.prod(dims, keepdim=keep)
    if len(dims) == x.dim() and not keep:
      return x.prod()
    for d in sorted((d % x.dim() for d in dims), reverse=True):
      x = x.prod(d, keepdim=keep)
    return x

  reduce(family, 'prod', product, axes=[a for a in AXES + EMPTY if math.prod(a[0]) < 1000], make=lambda *s: uniform(*s, lo=-2.0, hi=2.0))
  choose = [a for a in AXES if 0 not in a[0]] + [((4, 0), 0, False)]
  reduce(family, 'max', lambda x, dims, keep: x.amax(dims, keepdim=keep), axes=choose, exact=True)
  reduce(family, 'min', lambda x, dims, keep: x.amin(dims, keepdim=keep), axes=choose, exact=True)
  reduce(family, 'max', lambda x, dims, keep: x.amax(dims, keepdim=keep), axes=choose, make=ties, exact=True)
  reduce(family, 'min', lambda x, dims, keep: x.amin(dims, keepdim=keep), axes=choose, make=ties, exact=True)
  one = [a for a in choose if a[1] is None or isinstance(a[1], int)]
  for op, run in (('argmax', torch.argmax), ('argmin', torch.argmin)):
    for make in (bell, ties):
      reduce(family, op, lambda x, dims, keep: run(x, dims if isinstance(dims, int) else None, keepdim=keep) if isinstance(dims, int) or not keep else None,
             axes=[a for a in one if not (a[1] is None and a[2])], make=make)
    call(family, op, lambda x: run(x, 1), [given([1.0, nan, 3.0, inf, -inf, 0.0, nan, nan, 1.0, 2.0, 2.0, 1.0], [4, 3])], ['$0', 1], label=f'{op} extremes')
  for op, run in (('any', torch.any), ('all', torch.all)):
    for make in (lambda *s: ties(*s, lo=0, hi=2), lambda *s: whole(*s, lo=0, hi=2, dtype='bool'), lambda *s: whole(*s, lo=0, hi=2)):
      reduce(family, op, lambda x, dims, keep: run(x.bool(), dims, keepdim=keep) if isinstance(dims, int) else run(x.bool()),
             axes=[a for a in AXES + EMPTY if isinstance(a[1], int) or (a[1] is None and not a[2])], make=make)

  def moments(correction):
    def divided(x, dim):
      return max(count(x, dim) - correction, 1)

    def of_variance(x, y, dy, dim, keep):
      mean = x.mean(along(x, dim), keepdim=True) if x.dim() else x
      far = torch.maximum(x.abs(), mean.abs())
      return {'y0': largest(x - mean, dim, keep) ** 2 / divided(x, dim), 'dx0': 2 * dy * far / divided(x, dim)}

    def of_std(x, y, dy, dim, keep):
      found = of_variance(x, y, dy, dim, keep)
      root = c_shape(y, found['y0'])
      return {'y0': found['y0'] / root.clamp(min=1e-300), 'dx0': found['dx0'] / (2 * y.clamp(min=1e-300))}

    return of_variance, of_std

  def c_shape(y, like):
    return y.reshape(like.shape)

  axes = [a for a in AXES if a[0] != () and 0 not in a[0] and a[0] != (1, 1) and a[0] != (3, 1)]
  for correction, options in ((1, None), (0, {'correction': 0})):
    of_variance, of_std = moments(correction)
    reduce(family, 'variance', lambda x, dims, keep: torch.var(x, dims, unbiased=correction == 1, keepdim=keep), of_variance, axes=axes, options=options)
    reduce(family, 'std', lambda x, dims, keep: torch.std(x, dims, unbiased=correction == 1, keepdim=keep), of_std, axes=axes, options=options)
  of_variance, of_std = moments(1)
  far = lambda *s: uniform(*s, lo=100.0, hi=101.0)
  reduce(family, 'variance', lambda x, dims, keep: torch.var(x, dims, keepdim=keep), of_variance, axes=axes, make=far)
  reduce(family, 'std', lambda x, dims, keep: torch.std(x, dims, keepdim=keep), of_std, axes=axes, make=far)
  for p in (2, 1, 0, inf, -inf, 3, 0.5, -1):
    axes = [a for a in AXES if a[0] != () and 0 not in a[0]]
    if p not in (2, 1, 0, inf):
      axes = axes[:8] + axes[-3:]
    # Along an axis of one element order 0.5 divides by what it multiplied with.
    reduce(family, 'norm', lambda x, dims, keep: torch.linalg.vector_norm(x, p, dims, keepdim=keep), axes=axes, args=[p])
  call(family, 'norm', lambda x: torch.linalg.vector_norm(x, 2), [given([0.0, 0.0, 0.0])], ['$0', 2], label='norm of zeros')

  def of_lse(x, y, dy, dim, keep):
    # The exponent x - y is a sum too: its rounding error is a relative error of the exponential.
    exponent = torch.maximum(x.abs(), y.abs()).clamp(min=1)
    return {'y0': largest(x, dim, keep), 'dx0': dy * (x - y).exp() * exponent}

  axes = [a for a in AXES if a[0] != () and 0 not in a[0]]
  reduce(family, 'logSumExp', lambda x, dims, keep: torch.logsumexp(x, dims, keepdim=keep), of_lse, axes=axes)
  reduce(family, 'logSumExp', lambda x, dims, keep: torch.logsumexp(x, dims, keepdim=keep), of_lse, axes=axes[:9], make=lambda *s: bell(*s, scale=60.0))
  for values in ([1000.0, 999.0, -1000.0], [-inf, 1.0, 2.0], [inf, 1.0, 2.0], [-inf, -inf, -inf], [nan, 1.0, inf], [-1000.0, -1001.0, -1002.0], [LARGE, -LARGE, 0.0]):
    call(family, 'logSumExp', lambda x: torch.logsumexp(x, 0), [given(values)], ['$0'], label=f'logSumExp of {values}',
         terms=lambda c: of_lse(c.x[0], c.y[0], c.dy[0], None, False))


def softmax_terms(dim):
  def terms(c):
    x, y, dy = c.x[0], c.y[0], c.dy[0]
    if not x.dim() or not x.numel():
      return {}
    exponent = (x - x.amax(dim, keepdim=True)).abs().clamp(min=1)
    inner = torch.maximum(dy.abs(), (dy * y).abs().amax(dim, keepdim=True))
    return {'y0': y * exponent, 'dx0': y * exponent * inner}
  return terms


def log_softmax_terms(dim):
  def terms(c):
    x, y, dy = c.x[0], c.y[0], c.dy[0]
    if not x.dim() or not x.numel():
      return {}
    p = y.exp()
    exponent = torch.maximum(x.abs(), y.abs()).clamp(min=1)
    # Besides x - max, the logarithm of a sum whose largest term is 1.
    shift = (x - x.amax(dim, keepdim=True)).abs().clamp(min=1)
    return {'y0': shift, 'dx0': torch.maximum(dy.abs(), p * exponent * dy.abs().amax(dim, keepdim=True))}
  return terms


def softmaxes(family):
  for op, run, terms in (('softmax', torch.softmax, softmax_terms), ('logSoftmax', torch.log_softmax, log_softmax_terms)):
    for shape, dim in (((3,), 0), ((1,), 0), ((7, 5), 0), ((7, 5), 1), ((7, 5), -1), ((2, 3, 4), 1), ((2, 3, 4), -3), ((0, 3), 1), ((3, 0), 1), ((64, 129), 1), ((129, 65), 0), ((2, 1000), -1)):
      call(family, op, lambda x, dim=dim: run(x, dim), [bell(*shape)], ['$0', dim], terms(dim))
      call(family, op, lambda x, dim=dim: run(x, dim), [bell(*shape, scale=40.0)], ['$0', dim], terms(dim))
    call(family, op, lambda x: run(x, -1), [bell(7, 5)], ['$0'], terms(-1), label=f'{op} of the last axis')
    rows = [1000.0, 0.0, -1000.0, -inf, 1.0, 2.0, -inf, -inf, -inf, inf, 1.0, 2.0, nan, 1.0, 2.0, LARGE, -LARGE, 0.0, 80.0, 0.0, -2.0, 88.0, 0.0, -15.0, 1e-30, 0.0, -1e-30]
    call(family, op, lambda x: run(x, 1), [given(rows, [9, 3])], ['$0', 1], terms(1), label=f'{op} extremes')


def scans(family):
  def terms(dim):
    def found(c):
      if not c.x[0].numel() or not c.x[0].dim():
        return {}
      return {'y0': torch.cummax(c.x[0].abs(), dim)[0], 'dx0': torch.cummax(c.dy[0].abs().flip(dim), dim)[0].flip(dim)}
    return found

  for shape, dim in (((5,), 0), ((1,), 0), ((7, 5), 0), ((7, 5), 1), ((2, 3, 4), -2), ((0, 3), 1), ((3, 0), 1), ((2, 1000), 1), ((129, 65), 0)):
    call(family, 'cumsum', lambda x, dim=dim: x.cumsum(dim), [bell(*shape)], ['$0', dim], terms(dim))
  call(family, 'cumsum', lambda x: x.cumsum(0), [given([1.0, inf, -inf, 1.0, nan])], ['$0', 0], label='cumsum extremes')


# --- order, picking, arrangement ------------------------------------------------------------------------------------------


def order(family):
  for shape, dim in (((5,), -1), ((7, 5), 0), ((7, 5), 1), ((2, 3, 4), 1), ((1,), 0), ((0,), 0), ((3, 0), 1), ((3, 257), 1), ((), -1)):
    for make in (bell, ties):
      for descending in (False, True):
        options = [{'descending': True}] if descending else []
        run = lambda x, dim=dim, descending=descending: torch.sort(x, dim=dim, descending=descending, stable=True)
        call(family, 'sort', run, [make(*shape)], ['$0', dim, *options])
        call(family, 'argsort', lambda x, run=run: run(x)[1], [make(*shape)], ['$0', dim, *options])
  for descending in (False, True):
    call(family, 'sort', lambda x: torch.sort(x, descending=descending, stable=True), [given([3.0, nan, inf, -inf, 0.0, -0.0, nan, 1.0])],
         ['$0', -1, {'descending': descending}], label=f'sort extremes {descending}')
  for shape, k, dim in (((5,), 3, -1), ((7, 5), 2, 0), ((7, 5), 5, 1), ((2, 3, 4), 1, 1), ((3, 257), 10, 1), ((4,), 0, 0), ((1,), 1, 0)):
    for largest_first in (True, False):
      call(family, 'topk', lambda x: torch.topk(x, k, dim, largest=largest_first), [bell(*shape)], ['$0', k, dim, *([] if largest_first else [{'largest': False}])])


def picked_terms(dim):
  """A slot gets the sum of the gradients of its picks: the largest of them."""
  def terms(c):
    x, index, dy = c.x[0], c.x[1].long(), c.dy[0]
    zero = torch.zeros(x.shape, dtype=torch.float64)
    return {'dx0': zero.scatter_reduce(dim, index, dy.abs(), 'amax') if dy.numel() else zero}
  return terms


def selected_terms(dim):
  def terms(c):
    x, index, dy = c.x[0], c.x[1].long(), c.dy[0]
    spread = index.reshape([-1 if i == dim % x.dim() else 1 for i in range(x.dim())]).expand(dy.shape)
    zero = torch.zeros(x.shape, dtype=torch.float64)
    return {'dx0': zero.scatter_reduce(dim, spread, dy.abs(), 'amax') if dy.numel() else zero}
  return terms


def picking(family):
  for shape, dim, index in (((5,), 0, (3,)), ((7, 5), 0, (4, 5)), ((7, 5), 1, (7, 9)), ((2, 3, 4), 1, (2, 5, 4)), ((7, 5), 1, (7, 0)), ((1,), 0, (1,)), ((65, 33), 0, (300, 33)), ((65, 33), -1, (65, 1))):
    for dtype in ('int32', 'uint8'):
      call(family, 'gather', lambda x, i, dim=dim: torch.gather(x, dim, i.long()), [bell(*shape), whole(*index, hi=shape[dim], dtype=dtype)],
           ['$0', dim, '$1'], picked_terms(dim), exact=True)
  for shape, dim, n in (((5,), 0, 3), ((7, 5), 0, 20), ((7, 5), 1, 4), ((2, 3, 4), -1, 7), ((7, 5), 0, 0), ((1, 3), 0, 5), ((65, 33), 0, 300)):
    call(family, 'indexSelect', lambda x, i, dim=dim: torch.index_select(x, dim, i.long()), [bell(*shape), whole(n, hi=shape[dim])],
         ['$0', dim, '$1'], selected_terms(dim), exact=True)
  for shape, index in (((5, 3), (4,)), ((5, 3), (2, 6)), ((1, 1), (3,)), ((10, 4), (0,)), ((50, 7), (300,)), ((5, 3), ())):
    for dtype in ('int32', 'uint8'):
      call(family, 'embedding', lambda i, w: torch.nn.functional.embedding(i.long(), w), [whole(*index, hi=shape[0], dtype=dtype), bell(*shape)],
           terms=lambda c: {'dx1': torch.zeros(c.x[1].shape, dtype=torch.float64).scatter_reduce(
             0, c.x[0].long().reshape(-1, 1).expand(-1, c.x[1].shape[1]), c.dy[0].abs().reshape(-1, c.x[1].shape[1]), 'amax')}, exact=True)
  for shape, n in (((5,), 7), ((2, 3), 10), ((), 4), ((0,), 3)):
    call(family, 'oneHot', lambda x, n=n: real(torch.nn.functional.one_hot(x, n)), [whole(*shape, hi=n)], ['$0', n], exact=True)
  call(family, 'oneHot', lambda x: real(torch.nn.functional.one_hot(x)), [given([2, 0, 3], dtype='int32')], exact=True)


def arrangement(family):
  def moves(op, run, shape, args, kinds=True):
    call(family, op, run, [bell(*shape)], ['$0', *args], exact=True, terms=lambda c: {})
    if kinds:
      call(family, op, run, [whole(*shape)], ['$0', *args])

  for shape, to in (((6,), (2, 3)), ((2, 3, 4), (4, -1)), ((0, 3), (3, 0)), ((1,), ()), ((), (1, 1)), ((65, 33), (33, 65))):
    moves('reshape', lambda x, to=to: x.reshape(to), shape, [to])
  for shape, a, b in (((2, 3), 0, 1), ((2, 3, 4), -1, 0), ((1, 5), 0, 1), ((0, 3), 0, 1), ((65, 33), 0, 1)):
    moves('transpose', lambda x, a=a, b=b: x.transpose(a, b), shape, [a, b])
  for shape, dims in (((2, 3, 4), (2, 0, 1)), ((2, 3), (1, 0)), ((), ()), ((2, 1, 0, 3), (3, 2, 1, 0)), ((9, 17, 5), (1, 2, 0))):
    moves('permute', lambda x, dims=dims: x.permute(dims), shape, [dims])
  for shape, dim in (((1, 3, 1), None), ((1, 3, 1), 0), ((1, 3, 1), -1), ((1, 3, 1), 1), ((3,), None)):
    moves('squeeze', lambda x, dim=dim: x.squeeze() if dim is None else x.squeeze(dim), shape, [] if dim is None else [dim])
  for shape, dim in (((3,), 0), ((3,), -1), ((2, 3), 1), ((), 0), ((0,), 0)):
    moves('unsqueeze', lambda x, dim=dim: x.unsqueeze(dim), shape, [dim])
  for shape, to in (((3,), (2, 3)), ((3, 1), (3, 4)), ((1, 1), (5, 7)), ((), (3,)), ((2, 1, 4), (-1, 3, -1)), ((1,), (0,)), ((1, 65), (129, 65))):
    call(family, 'expand', lambda x, to=to: x.expand(to), [bell(*shape)], ['$0', to], lambda c: {'dx0': largest_to(c.dy[0].abs(), c.x[0].shape)}, exact=True)
    call(family, 'expand', lambda x, to=to: x.expand(to), [whole(*shape)], ['$0', to])
  slices = [((7,), ([1, 5],), lambda x: x[1:5]), ((7,), ([None, None, 2],), lambda x: x[::2]), ((7, 5), (2,), lambda x: x[2]), ((7, 5), (None, -1), lambda x: x[:, -1]),
            ((7, 5), ([1, -1], [None, 3]), lambda x: x[1:-1, :3]), ((2, 3, 4), ('...', 0), lambda x: x[..., 0]), ((7,), ([5, 2],), lambda x: x[5:2]), ((7,), ([-100, 100],), lambda x: x[-100:100]),
            ((7,), ([None, None, -1],), lambda x: x.flip(0)), ((7, 5), ([None, None, -2], [1, None, 3]), lambda x: x.flip(0)[::2, 1::3])]
  for shape, ranges, run in slices:
    moves('slice', run, shape, ranges)
  for shape, sizes, dim in (((7,), 3, 0), ((7, 5), [2, 3], 1), ((6, 2), 2, 0), ((3,), [3, 0], 0)):
    moves('split', lambda x, sizes=sizes, dim=dim: x.split(sizes, dim), shape, [sizes, dim])
  for shape, n, dim in (((5,), 4, 0), ((7, 6), 3, -1), ((2, 3), 1, 0)):
    moves('chunk', lambda x, n=n, dim=dim: x.chunk(n, dim), shape, [n, dim])
  for shape, dim in (((5,), 0), ((2, 3, 4), [0, 2]), ((2, 3), -1), ((0, 2), 0), ((65, 33), 1)):
    moves('flip', lambda x, dim=dim: x.flip(dim if isinstance(dim, list) else [dim]), shape, [dim])
  for shape, padding, value in (((5,), (1, 2), 0), ((2, 3), (1, 0, 0, 2), 1.5), ((2, 3), (-1, 1), 0), ((2, 0), (2, 1), -3), ((2, 3, 4), (1, 1, 0, 1, 2, 0), 0)):
    moves('pad', lambda x, padding=padding, value=value: torch.nn.functional.pad(x, padding, value=value), shape, [padding, *([{'value': value}] if value else [])], kinds=value == 0)
  for op, run in (('tril', torch.tril), ('triu', torch.triu)):
    for shape, diagonal in (((3, 3), 0), ((4, 6), 1), ((6, 4), -2), ((2, 3, 3), 0), ((1, 1), 1), ((0, 3), 0), ((33, 65), 5)):
      moves(op, lambda x, diagonal=diagonal: run(x, diagonal), shape, [diagonal])
  moves('contiguous', lambda x: x.contiguous(), (3, 4), [])
  for shapes, dim in ((((2, 3), (4, 3)), 0), (((2, 3), (2, 1), (2, 0)), 1), (((3,), (4,), (1,)), -1), (((0, 2), (3, 2)), 0), (((33, 17), (33, 30)), 1)):
    names = [f'${i}' for i in range(len(shapes))]
    call(family, 'cat', lambda *x, dim=dim: torch.cat(x, dim), [bell(*s) for s in shapes], [names, dim], exact=True)
    call(family, 'cat', lambda *x, dim=dim: torch.cat(x, dim), [whole(*s) for s in shapes], [names, dim])
  for shape, n, dim in (((3,), 2, 0), ((2, 3), 3, 1), ((2, 3), 2, -1), ((), 3, 0), ((0,), 2, 0), ((17, 33), 3, 1)):
    names = [f'${i}' for i in range(n)]
    call(family, 'stack', lambda *x, dim=dim: torch.stack(x, dim), [bell(*shape) for _ in range(n)], [names, dim], exact=True)
  for shape, start, end in (((2, 3, 4), 0, -1), ((2, 3, 4), 1, -1), ((2, 3, 4), 0, 1), ((), 0, -1), ((0, 3), 0, -1), ((5,), 0, 0)):
    moves('flatten', lambda x, start=start, end=end: x.flatten(start, end), shape, [start, end])


def conversions(family):
  names = {'float32': torch.get_default_dtype, 'int32': lambda: torch.int64, 'uint8': lambda: torch.uint8, 'bool': lambda: torch.bool}
  for dtype, to in names.items():
    for x in (uniform(7, lo=0.0, hi=200.0, grad=False), whole(7), whole(7, hi=200, dtype='uint8'), whole(7, hi=2, dtype='bool'), given([0.0, -0.0, 0.5, 2.9, 1.0], grad=False)):
      call(family, 'to', lambda x, to=to: x.to(to()), [x], ['$0', dtype], exact=True)
  for op, to in (('float', 'float32'), ('int', 'int32'), ('bool', 'bool')):
    call(family, op, lambda x: x.to(names[to]()), [uniform(7, lo=-20.0, hi=20.0, grad=False)], exact=True)


def in_place(family):
  def changed(op, run, others=(), args=(), shape=(7, 5), terms=None, exact=False):
    inputs = [bell(*shape), *others]
    call(family, op, lambda x, *rest: run(x.clone(), *rest), inputs, ['$0', *(f'${i + 1}' for i in range(len(others))), *args], terms, exact, frozen=True)

  sizes = lambda c: {'y0': torch.maximum(c.x[0].abs(), c.x[1].abs())}
  for shape, other in (((7, 5), (7, 5)), ((7, 5), (5,)), ((1,), (1,)), ((129, 65), (65,)), ((0, 3), (3,))):
    changed('copy_', lambda x, y: x.copy_(y), [bell(*other)], shape=shape, exact=True)
    changed('add_', lambda x, y: x.add_(y), [bell(*other)], shape=shape, terms=sizes)
    changed('sub_', lambda x, y: x.sub_(y), [bell(*other)], shape=shape, terms=sizes)
    changed('mul_', lambda x, y: x.mul_(y), [bell(*other)], shape=shape)
    changed('div_', lambda x, y: x.div_(y), [uniform(*other, lo=0.3, hi=3.0)], shape=shape)
  changed('add_', lambda x: x.add_(2.5), args=[2.5], terms=lambda c: {'y0': c.x[0].abs().clamp(min=2.5)})
  changed('mul_', lambda x: x.mul_(-0.3), args=[-0.3])
  changed('div_', lambda x: x.div_(0.0), args=[0])
  changed('fill_', lambda x: x.fill_(1.5), args=[1.5], exact=True)
  changed('zero_', lambda x: x.zero_(), exact=True)
  for low, high in ((-0.5, 1), (None, 0.25), (0.5, None)):
    changed('clamp_', lambda x, low=low, high=high: x.clamp_(low, high), args=[low, high], exact=True)
  for weight in (0.25, 0.75, 0, 1):
    changed('lerp_', lambda x, y, weight=weight: x.lerp_(y, weight), [bell(7, 5)], [weight], terms=sizes)


def making(family):
  for args in ([5], [1, 4], [0, 1, 0.3], [5, 0, -1], [3, 3]):
    call(family, 'arange', lambda args=args: torch.arange(*map(float, args)), [], args)
  for args in ([0, 1, 5], [-3, 7, 100], [2, 1, 3], [1, 9, 1], [0, 1, 0]):
    size = max(abs(args[0]), abs(args[1]))
    call(family, 'linspace', lambda args=args: torch.linspace(*map(float, args[:2]), args[2]), [], args, terms=lambda c, size=size: {'y0': torch.full_like(c.y[0], size)})
  for args in ([3], [2, 4], [4, 2], [0]):
    call(family, 'eye', lambda args=args: torch.eye(*args), [], args, exact=True)
  for shape in ([3], [2, 0], []):
    call(family, 'zeros', lambda shape=shape: torch.zeros(shape), [], [shape], exact=True)
    call(family, 'ones', lambda shape=shape: torch.ones(shape), [], [shape], exact=True)
    call(family, 'full', lambda shape=shape: torch.full(shape, 2.5), [], [shape, 2.5], exact=True)


def generate():
  family = Family('ops')
  for part in (unary, binary, choice, products, reductions, softmaxes, scans, order, picking, arrangement, conversions, in_place, making):
    part(family)
  family.write()
