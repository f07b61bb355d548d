"""Types of IDs and arrays that every room shares."""

import numpy as np
import numpy.typing as npt

Id = int | str
"""The ID of an item or of a user, as the dataset writes it."""

IntArray = npt.NDArray[np.int64]
ShortIntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
