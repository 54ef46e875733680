"""Activations with every option, as functions; softmax is among the operations."""
import torch
from torch.nn import functional as F

from .core import Family
from .ops import maps

SHAPES = [(1,), (3,), (7, 5), (2, 3, 4), (), (0,), (129, 65)]


def largest_of(dy, *factors):
  """dy times the largest of what is added up in a slope."""
  size = torch.zeros_like(dy)
  for factor in factors:
    size = torch.maximum(size, torch.as_tensor(factor, dtype=dy.dtype).abs().expand(dy.shape))
  return dy.abs() * size


def gelu(c):
  """x / 2 + x erf(x / √2) / 2, and the slope Φ(x) + x φ(x)."""
  x = c.x[0]
  density = torch.exp(-x * x / 2) * 0.3989422804014327
  return {'y0': x / 2, 'dx0': largest_of(c.dy[0], 0.5, x * density)}


def silu(c):
  """The slope s (1 + x (1 - s))."""
  x = c.x[0]
  s = torch.sigmoid(x)
  return {'dx0': largest_of(c.dy[0], s, s * x)}


def elu(alpha):
  """The slope of the lower branch is y + alpha, as far as it is made of the output."""
  return lambda c: {'dx0': torch.where(c.x[0] > 0, c.dy[0], c.dy[0] * alpha)}


def generate():
  family = Family('activations')

  def of(op, run, *args, terms=None, **rest):
    maps(family, op, run, args, SHAPES, terms=terms, **rest)

  for slope in (0.01, 0.2, 0.0, 1.5):
    of('leakyRelu', lambda x, slope=slope: F.leaky_relu(x, slope), *([] if slope == 0.01 else [slope]))
  of('gelu', F.gelu, terms=gelu, extremes=[-5.5, -2.0, -0.75, 5.5])
  of('gelu', F.gelu, {'approximate': 'none'}, terms=gelu)
  of('gelu', lambda x: F.gelu(x, approximate='tanh'), {'approximate': 'tanh'}, terms=gelu, extremes=[-5.5, -2.0, -0.75, 5.5])
  of('silu', F.silu, terms=silu)
  of('softplus', F.softplus, extremes=[20.0, 20.000002, 19.999998])
  for beta, threshold in ((2, 20), (0.5, 5), (1, 2), (3, 60)):
    of('softplus', lambda x, beta=beta, threshold=threshold: F.softplus(x, beta, threshold), {'beta': beta, 'threshold': threshold})
  for alpha in (1, 0.5, 2.0):
    # PyTorch's is alpha (exp(x) - 1), which in float64 too is 0 where x is small.
    exactly = lambda x, alpha=alpha: torch.where(x > 0, x, alpha * torch.expm1(torch.where(x > 0, 0.0, x)))
    of('elu', lambda x, alpha=alpha: F.elu(x, alpha), *([] if alpha == 1 else [alpha]), terms=elu(alpha), reference=exactly)
  of('logsigmoid', F.logsigmoid)
  of('hardtanh', F.hardtanh, exact=True)
  of('hardtanh', lambda x: F.hardtanh(x, -0.25, 2.0), -0.25, 2.0, exact=True, extremes=[-0.25, 2.0])
  of('hardsigmoid', F.hardsigmoid, terms=lambda c: {'y0': torch.where((c.x[0].abs() < 3), torch.clamp(c.x[0].abs() / 6, min=0.5), 0.0)})
  of('hardswish', F.hardswish, terms=lambda c: {
    'y0': torch.where(c.x[0].abs() < 3, c.x[0] * torch.clamp(c.x[0].abs(), min=3) / 6, 0.0),
    'dx0': torch.where(c.x[0].abs() <= 3, largest_of(c.dy[0], c.x[0] / 3, 0.5), 0.0)})
  of('relu6', F.relu6, exact=True, extremes=[5.999, 6.001])
  family.write()
