"""Images and labels: one file format, three sources of real datasets, one embedded dataset, subsets."""

from flexnet.data.arrays import ImageArrays as ImageArrays
from flexnet.data.arrays import load_arrays as load_arrays
from flexnet.data.arrays import save_arrays as save_arrays
from flexnet.data.subsets import holdout_split as holdout_split
from flexnet.data.subsets import stratified_indices as stratified_indices
from flexnet.data.subsets import uniform_indices as uniform_indices
