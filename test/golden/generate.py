"""
Writes the golden files of test/golden/data: what PyTorch computes, for tests that run without it.

`npm run golden` runs it by a Python that has PyTorch 1.13 (`apt-get install python3-torch`); `npm run golden -- ops losses`
writes only those families. The same PyTorch on the same kind of processor writes the same bytes. What it prints besides is
where PyTorch's float32 overflows and float64 does not.
"""
import importlib
import os
import sys
import warnings

# How PyTorch sums depends on the vectors of the processor.
os.environ['ATEN_CPU_CAPABILITY'] = 'avx2'
sys.dont_write_bytecode = True

import torch  # noqa: E402

FAMILIES = ['formulas', 'ops', 'activations', 'losses', 'layers', 'optimizers', 'schedulers', 'trainings']

if __name__ == '__main__':
  # PyTorch warns of what is in beta, and of the order of steps in a chain of schedulers.
  warnings.simplefilter('ignore')
  torch.set_num_threads(1)
  for name in sys.argv[1:] or FAMILIES:
    importlib.import_module(f'generator.{name}').generate()
