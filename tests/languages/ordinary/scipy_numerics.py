import numpy as np
from scipy import integrate, optimize, signal, sparse, stats

assert abs(integrate.quad(np.sin, 0, np.pi)[0] - 2) < 1e-9
assert np.allclose(optimize.minimize(lambda x: ((x - 3) ** 2).sum(), np.zeros(2)).x, 3, atol=1e-4)
assert stats.ttest_ind([1, 2, 3], [1, 2, 3]).pvalue == 1
assert sparse.eye(5).tocsr().sum() == 5
assert len(signal.butter(4, 0.2)) == 2
print("ok")
