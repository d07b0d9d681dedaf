import sqlite3

with sqlite3.connect("/mnt/data/store.db") as db:
    db.execute("pragma journal_mode = wal")
    db.execute("create table t (a integer primary key, b text)")
    db.executemany("insert into t (b) values (?)", [(str(n),) for n in range(1000)])
    assert db.execute("select count(*), max(a) from t").fetchone() == (1000, 1000)
assert sqlite3.connect(":memory:").execute("select json_extract('{\"a\": 5}', '$.a')").fetchone() == (5,)
print("ok")
