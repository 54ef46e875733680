"""What the formulas of inputs make, for the twin of formula.py to be held to."""
import torch

from .core import Family, Input, whole_number


def generate():
  family = Family('formulas')
  for kind, lo, hi in (('uniform', -1.0, 1.0), ('uniform', 0.01, 0.99), ('bell', 0.0, 2.0), ('wide', -30, 30), ('wide', -126, 127), ('whole', -9, 10)):
    for seed in (0, 1, 0x9E3779B9, 0xFFFFFFFF):
      made = Input([1000], kind, lo, hi, seed=seed).tensor(torch.float64)
      formula = {'kind': kind, 'lo': whole_number(lo), 'hi': whole_number(hi), 'seed': seed}
      family.add({'case': f'{kind} from {lo} to {hi}, seed {seed}', 'formula': formula}, lambda: [family.result('numbers', made, made, exact=True)])
  family.write()
