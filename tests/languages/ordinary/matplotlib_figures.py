import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(6, 3))
axes[0].plot([1, 4, 9], label="squares é")
axes[0].set_title(r"$\int_0^1 x^2\,dx$")
axes[0].legend()
axes[1].hist([1, 1, 2, 3])
for kind in ("png", "pdf", "svg"):
    figure.savefig(f"/mnt/data/figure.{kind}")
print("ok")
