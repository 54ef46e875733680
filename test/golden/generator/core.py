"""Cases, how they run in float64 and float32, and the files that they are written to."""
import json
import math
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from .formula import fill, sampled

DATA = Path(__file__).parent.parent / 'data'
LIMIT = 48
DTYPES = {torch.float32: 'float32', torch.float64: 'float32', torch.int64: 'int32', torch.int32: 'int32',
          torch.uint8: 'uint8', torch.bool: 'bool'}
FLOAT32_MAX = float(np.finfo(np.float32).max)
inf, nan = math.inf, math.nan


class Input:
  """A tensor that both sides make: by a formula, or of given values. Whole kinds are int32 unless said otherwise."""

  def __init__(self, shape, kind='bell', lo=0.0, hi=1.0, dtype='float32', grad=None, values=(), seed=None):
    self.shape, self.kind, self.lo, self.hi, self.dtype = list(shape), kind, lo, hi, dtype
    self.values, self.seed = list(values), seed
    self.grad = dtype == 'float32' if grad is None else grad

  def spec(self):
    spec = {'shape': self.shape, 'kind': self.kind}
    if self.kind == 'values':
      spec['values'] = [number(v) for v in self.values]
    else:
      spec.update({key: value for key, value in (('lo', whole_number(self.lo)), ('hi', whole_number(self.hi))) if value != 0}, seed=self.seed)
    if self.dtype != 'float32':
      spec['dtype'] = self.dtype
    if self.grad:
      spec['grad'] = True
    return spec

  def array(self, seed=None):
    n = math.prod(self.shape)
    return fill(self.kind, self.lo, self.hi, self.seed if seed is None else seed, n, self.values).reshape(self.shape)

  def tensor(self, dtype, seed=None):
    array = self.array(seed)
    if self.dtype == 'float32':
      return torch.tensor(array, dtype=dtype)
    # PyTorch takes int64 as indices where we take int32.
    return torch.tensor(array.astype(np.int64)).to({'int32': torch.int64, 'uint8': torch.uint8, 'bool': torch.bool}[self.dtype])


def bell(*shape, scale=2.0, grad=None):
  return Input(shape, 'bell', 0.0, scale, grad=grad)


def uniform(*shape, lo=0.0, hi=1.0, grad=None):
  return Input(shape, 'uniform', lo, hi, grad=grad)


def wide(*shape, lo=-30, hi=30):
  return Input(shape, 'wide', lo, hi)


def ties(*shape, lo=-2, hi=3):
  return Input(shape, 'whole', lo, hi)


def whole(*shape, lo=0, hi=10, dtype='int32'):
  return Input(shape, 'whole', lo, hi, dtype=dtype)


def given(values, shape=None, dtype='float32', grad=None):
  return Input([len(values)] if shape is None else shape, 'values', values=values, dtype=dtype, grad=grad)


def number(value):
  """JSON has no NaN and no infinities."""
  if isinstance(value, float) and not math.isfinite(value):
    return 'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'
  if value == 0 and math.copysign(1, value) < 0:
    return '-0'
  return whole_number(value) if abs(value) < 1e6 else value


def whole_number(value):
  """2.0 as 2."""
  return int(value) if math.isfinite(value) and value == int(value) else value


def plain(value):
  """Arguments as JSON: '$0' is the first input, and so on; numbers that JSON lacks are '#NaN', '#Infinity'."""
  if isinstance(value, dict):
    return {key: plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(item) for item in value]
  if isinstance(value, float) and not math.isfinite(value):
    return '#' + number(value)
  return value


def ulp(size):
  """The distance between float32 numbers at a size."""
  size = np.minimum(np.abs(size), FLOAT32_MAX)
  exponent = np.frexp(size)[1] - 1
  return np.ldexp(1.0, np.maximum(np.where(size == 0, -126, exponent), -126) - 23)


class Family:
  """One family of cases: a line of JSON for each in <name>.jsonl, with the numbers in <name>.bin."""

  def __init__(self, name):
    self.name, self.cases, self.bytes, self.ids, self.current = name, [], bytearray(), {}, ''

  def floats(self, values, kind):
    """Appends numbers and gives where they begin."""
    while len(self.bytes) % 8:
      self.bytes.append(0)
    at = len(self.bytes)
    self.bytes += np.ascontiguousarray(values, dtype=kind).tobytes()
    return at

  def identify(self, label):
    """A name of its own for each case, and seeds that do not move when others come or go."""
    self.ids[label] = self.ids.get(label, 0) + 1
    return label if self.ids[label] == 1 else f'{label} #{self.ids[label]}'

  def result(self, name, want, gots, terms=None, exact=False, by='tensor'):
    """
    What PyTorch computes in float64, and how far from it its own float32 is: the largest distance of any element, in ULP of
    the largest term of that element's sum, in any of the runs `gots`. `by`: over the whole tensor; 'element' for each alone
    (extremes, where one bad element would excuse the others); 'rows' up to and with each index of the first axis (steps of an
    iteration), of which nothing is left out.
    """
    gots = gots if isinstance(gots, list) else [gots]
    dtype = DTYPES[want.dtype]
    record = {'name': name, 'shape': list(want.shape)}
    if dtype != 'float32':
      record['dtype'] = dtype
    picks = sampled(want.numel(), LIMIT, 1) if by != 'rows' else np.arange(want.numel())
    reference = flat(want)
    record['at'] = self.floats(reference[picks], '<f8')
    if exact or dtype != 'float32':
      if not all(np.array_equal(rounded32(reference), flat(got), equal_nan=True) for got in gots):
        self.note(f'{name}: PyTorch in float32 is not exact')
      record['exact'] = True
      return record
    size = np.abs(reference)
    if terms is not None:
      terms = within(np.abs(flat(terms.detach().expand(want.shape))))
      record['terms'] = self.floats(terms[picks], '<f4')
      size = np.maximum(size, terms)
    errors = np.max([self.errors(name, reference, flat(got), size) for got in gots], 0)
    if by == 'element':
      record['errors'] = self.floats(errors[picks], '<f4')
    elif by == 'rows':
      rows = np.maximum.accumulate(errors.reshape(want.shape[0], -1).max(1, initial=0))
      record['errors'] = self.floats(rows, '<f4')
    else:
      # Of all elements, also those that are not kept.
      record['error'] = float(f'{errors.max(initial=0):.4g}')
    return record

  def errors(self, name, reference, single, size):
    """How far float32 is from float64, as far as both are finite, in ULP of `size`."""
    assert reference.shape == single.shape, name
    finite = np.isfinite(rounded32(reference))
    odd = np.where(finite, ~np.isfinite(single), ~same(rounded32(reference), single))
    if odd.any():
      i = int(np.argmax(odd))
      self.note(f'{name}[{i}] is {reference[i]} in float64, {single[i]} in float32; {odd.sum()} such')
    with np.errstate(invalid='ignore'):
      return np.where(finite & ~odd, np.abs(single - reference), 0) / ulp(np.where(finite, size, 0))

  def note(self, message):
    """What is worth a look: where PyTorch's float32 is not even of the kind that float64 is."""
    print(f'{self.name}: {self.current}: {message}')

  def add(self, spec, results):
    """`results` is a function, so that it can be said of which case they are."""
    self.current = spec['case']
    self.cases.append({**spec, 'results': results()})

  @contextmanager
  def together(self):
    """Cases that are draws of one: PyTorch's error is the largest among them."""
    first = len(self.cases)
    yield
    draws = self.cases[first:]
    for results in zip(*(case['results'] for case in draws)):
      largest = max(result['error'] for result in results)
      for result in results:
        result['error'] = largest

  def write(self):
    DATA.mkdir(exist_ok=True)
    lines = [json.dumps(case, separators=(',', ':'), ensure_ascii=False) for case in self.cases]
    (DATA / f'{self.name}.jsonl').write_text('\n'.join(lines) + '\n')
    (DATA / f'{self.name}.bin').write_bytes(self.bytes)
    print(f'{self.name}: {len(lines)} cases, {len(self.bytes)} bytes')


def rounded32(x):
  with np.errstate(over='ignore', invalid='ignore'):
    return x.astype(np.float32).astype(np.float64)


def flat(x):
  return x.detach().double().reshape(-1).numpy()


def within(x):
  """As float32, NaN as nothing."""
  return np.minimum(np.nan_to_num(x, nan=0.0, posinf=FLOAT32_MAX), FLOAT32_MAX).astype(np.float32)


def same(a, b):
  return (a == b) | (np.isnan(a) & np.isnan(b))


def seed_of(text):
  return zlib.crc32(text.encode())


class Context:
  """What a function of terms sees: inputs, outputs, upstream gradients and gradients, all in float64."""

  def __init__(self, x, y, dy, dx):
    self.x, self.y, self.dy, self.dx = x, y, dy, dx


def precisely(dtype, run):
  before = torch.get_default_dtype()
  torch.set_default_dtype(dtype)
  try:
    return run()
  finally:
    torch.set_default_dtype(before)


def real(x):
  """Integers as what arithmetic converts them to."""
  return x.to(torch.get_default_dtype())


def call(family, op, run, inputs, args=None, terms=None, exact=False, by='tensor', upstream=None, label=None, frozen=False,
         reference=None, module=None):
  """
  A call of one operation: `run` on tensors of PyTorch, `op` with `args` on ours (a method where there is one, else a
  function). `terms(context)` gives the largest terms by the names of results, where they are not the results themselves:
  outputs are y0, y1, …, gradients dx0, dx1, … `frozen`: no gradients. `reference`: what to run
  in float64 where PyTorch's own formula loses digits even there. `module`: `op` is a class of `nn`, `args` are those of its
  constructor, and these are those of its `forward`.
  """
  args = [f'${i}' for i in range(len(inputs))] if args is None else args
  shapes = ' '.join('x'.join(map(str, i.shape)) or 'scalar' for i in inputs)
  rest = [plain(a) for a in args if not (isinstance(a, str) and a.startswith('$'))]
  case = family.identify(label or ' '.join(filter(None, [op, shapes, json.dumps(rest)[1:-1] if rest else ''])))
  for i, x in enumerate(inputs):
    if x.seed is None:
      x.seed = seed_of(f'{case}/{i}')
    if frozen:
      x.grad = False
  spec = {'case': case, 'op': op, 'args': plain(args), 'inputs': [x.spec() for x in inputs]}
  if module:
    spec['forward'] = module
  dy = None

  def once(dtype):
    nonlocal dy
    xs = [x.tensor(dtype).requires_grad_(x.grad) for x in inputs]
    y = (reference if reference and dtype == torch.float64 else run)(*xs)
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    wanted = [i for i, x in enumerate(inputs) if x.grad]
    walked = [y for y in ys if y.requires_grad]
    if not wanted or not walked:
      return xs, ys, [], {}
    if dy is None:
      dy = [upstream if upstream else uniform(*y.shape, lo=-1.0, hi=1.0) for y in walked]
      for i, u in enumerate(dy):
        u.seed, u.grad, u.shape = seed_of(f'{case}/dy{i}'), False, list(walked[i].shape)
    us = [u.tensor(dtype) for u in dy]
    grads = torch.autograd.grad(walked, [xs[i] for i in wanted], us, allow_unused=True)
    return xs, ys, us, {i: g for i, g in zip(wanted, grads) if g is not None}

  xs, ys, us, dxs = precisely(torch.float64, lambda: once(torch.float64))
  _, ys32, _, dxs32 = precisely(torch.float32, lambda: once(torch.float32))
  if dy is not None:
    spec['upstream'] = [u.spec() for u in dy]

  def results():
    with torch.no_grad():
      found = terms(Context([x.detach() for x in xs], [y.detach() for y in ys], us, dxs)) if terms else {}
    records = []
    for i, (a, b) in enumerate(zip(ys, ys32)):
      records.append(family.result(f'y{i}', a, b, found.get(f'y{i}'), exact, by))
    for i, g in dxs.items():
      records.append(family.result(f'dx{i}', g, dxs32[i], found.get(f'dx{i}'), False, by))
    return records

  family.add(spec, results)
