"""Numbers that Python and TypeScript make alike, so that files need not hold them: the twin of test/golden/formula.ts."""
import numpy as np


def draw(seed, n):
  """A well mixed 32-bit hash of seed and position (C. Wellons' lowbias32), as fractions of one in float64."""
  h = (np.uint64(seed) ^ (np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B1))) & np.uint64(0xFFFFFFFF)
  h = h.astype(np.uint32)
  h ^= h >> np.uint32(16)
  h *= np.uint32(0x7FEB352D)
  h ^= h >> np.uint32(15)
  h *= np.uint32(0x846CA68B)
  h ^= h >> np.uint32(16)
  return h.astype(np.float64) / 2**32


def fill(kind, lo, hi, seed, n, given=()):
  """n numbers in float64, every one of them a float32."""
  if kind == 'values':
    assert len(given) == n, f'{len(given)} values for {n} elements'
    return np.array(given, dtype=np.float64).astype(np.float32).astype(np.float64)
  if kind == 'uniform':
    return rounded(lo + (hi - lo) * draw(seed, n))
  if kind == 'whole':
    return np.floor(lo + (hi - lo) * draw(seed, n))
  if kind == 'bell':
    # The sum of four uniform draws is exact.
    return rounded(hi * (draw(seed, 4 * n).reshape(n, 4).sum(1) - 2))
  if kind == 'wide':
    size, exponent = draw(seed, 2 * n).reshape(n, 2).T
    sign = np.where(size < 0.5, -1.0, 1.0)
    return rounded(sign * np.ldexp(1 + size, np.floor(lo + (hi - lo) * exponent).astype(int)))
  raise ValueError(kind)


def rounded(x):
  return x.astype(np.float32).astype(np.float64)


def sampled(n, limit, seed):
  """Which elements of a long result are kept: the first, the last, and others by the hash."""
  if n <= limit:
    return np.arange(n)
  picks = np.floor(draw(seed, limit) * n).astype(np.int64)
  picks[0], picks[1] = 0, n - 1
  return picks
