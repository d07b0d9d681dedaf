import pandas as pd

table = pd.DataFrame({"k": ["a", "b", "a"], "v": [1.0, 2.0, 3.0], "t": pd.date_range("2024-01-01", periods=3)})
assert table.groupby("k").v.sum().to_dict() == {"a": 4.0, "b": 2.0}
table.to_csv("/mnt/data/t.csv", index=False)
table.to_pickle("/mnt/data/t.pickle")
assert pd.read_csv("/mnt/data/t.csv", parse_dates=["t"]).t.dt.year.eq(2024).all()
assert table.t.dt.tz_localize("Europe/Berlin").dt.hour.tolist() == [0, 0, 0]
assert len(pd.read_pickle("/mnt/data/t.pickle")) == 3
print("ok")
