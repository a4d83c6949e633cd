"""Arrays as NumPy writes them, for tests/read.rs: python arrays.py (NumPy 2.4.6)."""

import numpy as np

x = np.arange(24, dtype=np.float64).reshape(4, 2, 3) / 8 - 1

np.save("c_f4.npy", x.astype("<f4"))
np.save("fortran_f8_big.npy", np.asfortranarray(x).astype(">f8", order="F"))
np.save("i2_big.npy", (x * 8).astype(">i2"))
np.save("bool.npy", x > 0)
np.save("objects.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
np.save("text.npy", np.array(["cat", "dog"]))
with open("version_2.npy", "wb") as file:
    np.lib.format.write_array(file, x.astype("<f4"), version=(2, 0))

# Coloured pictures with their channels last, and a test set: pixel = 100 sample + 10 (row + column) + channel.
n, h, w, c = np.meshgrid(np.arange(3), np.arange(2), np.arange(4), np.arange(3), indexing="ij")
pictures = (100 * n % 250 + 10 * (h + w) + c).astype(np.uint8)
np.savez_compressed(
    "coloured.npz",
    x_train=pictures,
    y_train=np.array([[0], [1], [1]], dtype=np.uint8),
    x_test=pictures[:1],
    y_test=np.array([[1]], dtype=np.uint8),
    note=np.array(7),
)
# Rows to predict from, without a test set.
np.savez("rows.npz", data=np.asfortranarray(x.reshape(4, 6)), target=np.array([0.5, -1.0, 2.0, 0.25], dtype=np.float32))
np.savez("one_hot.npz", x=x.reshape(4, 6), y=np.eye(3)[[2, 0, 1, 2]])
