"""Measures a kernel against float64: `ulp.ts` runs this, and feeds it the results for all 2^32 float32, in the order of their bits."""
import math
import sys

import torch

torch.set_num_threads(1)

CHUNK = 1 << 17


def softplus(x):
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


# Formulas that are sound in float64: nothing cancels, and -Infinity times 0 is NaN, as in PyTorch.
REFERENCES = {
    'exp': torch.exp,
    'log': torch.log,
    'log1p': torch.log1p,
    'expm1': torch.expm1,
    'tanh': torch.tanh,
    'sigmoid': lambda x: 1 / (1 + torch.exp(-x)),
    'erf': torch.erf,
    'sin': torch.sin,
    'cos': torch.cos,
    'sqrt': torch.sqrt,
    'rsqrt': lambda x: 1 / torch.sqrt(x),
    'reciprocal': lambda x: 1 / x,
    'gelu': lambda x: x * (0.5 * torch.special.erfc(x * -math.sqrt(0.5))),
    'geluTanh': lambda x: x / (1 + torch.exp(-2 * math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x))),
    'silu': lambda x: x / (1 + torch.exp(-x)),
    'softplus': lambda x: torch.where(x > 20, x, softplus(x)),
    'elu': lambda x: torch.where(x > 0, x, torch.expm1(x)),
    'logsigmoid': lambda x: x.clamp(max=0) - torch.log1p(torch.exp(-x.abs())),
}


def spacing(exact):
    """The unit in the last place of the float32 next to `exact`; of denormals, the smallest one."""
    exponent = (exact.float().view(torch.int32) >> 23 & 255).clamp(1, 254).long()
    return (exponent + (1023 - 150) << 52).view(torch.float64)


def main(name, ranges):
    """Prints for each range, (low, high, unit), the largest error and where it is; then whether special values are exact."""
    reference = REFERENCES[name]
    worst = [(0.0, 0.0)] * len(ranges)
    is_exact = True
    for start in range(-(1 << 31), 1 << 31, CHUNK):
        y = torch.frombuffer(bytearray(sys.stdin.buffer.read(CHUNK * 4)), dtype=torch.float32)
        x = torch.arange(start, start + CHUNK, dtype=torch.int32).view(torch.float32)
        # Over a chunk with one result each of these functions is monotone, and its ends say all.
        if (y.view(torch.int32) == y.view(torch.int32)[0]).all():
            x, y = x[[0, -1]], y[[0, -1]]
        exact = reference(x.double())
        # What is rounded right is off by no more than half a ULP, and not looked at.
        wrong = y.view(torch.int32) != exact.float().view(torch.int32)
        if not wrong.any():
            continue
        x, y, exact = x[wrong].double(), y[wrong].double(), exact[wrong]
        if (y.isnan() != exact.isnan()).any() or ((exact == 0) & (y == 0) & (y.signbit() != exact.signbit())).any():
            is_exact = False
        isnt_nan = ~exact.isnan()
        for i, (low, high, unit) in enumerate(ranges):
            inside = isnt_nan & (x >= low) & (x <= high)
            if not inside.any():
                continue
            error = (y - exact).abs() / (spacing(exact) if unit == 'ULP' else x.abs().clamp(min=1))
            error = error.where(inside, torch.zeros(()).double())
            largest = error.argmax()
            if error[largest] > worst[i][0]:
                worst[i] = error[largest].item(), x[largest].item()
    for error, at in worst:
        print(error, at)
    print(is_exact)


main(sys.argv[1], [(float(low), float(high), unit) for low, high, unit in (word.split(':') for word in sys.argv[2:])])
