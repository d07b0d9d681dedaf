import numpy as np

random = np.random.default_rng(1)
a = random.normal(size=(150, 150))
assert np.allclose(a @ np.linalg.inv(a), np.eye(150), atol=1e-6)
assert np.linalg.svd(a)[1].shape == (150,)
mapped = np.memmap("/mnt/data/array.bin", dtype="f8", mode="w+", shape=(1000,))
mapped[:] = 2
mapped.flush()
assert np.fromfile("/mnt/data/array.bin").sum() == 2000
print("ok")
