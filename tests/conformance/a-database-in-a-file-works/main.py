import sqlite3
with sqlite3.connect("shop.db") as database:
    database.execute("pragma journal_mode = wal")
    database.execute("create table item (name text, price real)")
    database.executemany("insert into item values (?, ?)", [("apple", 1.5), ("pear", 2.25), ("плам", None)])
database.close()
print(sqlite3.connect("shop.db").execute("select count(*), sum(price), max(name) from item").fetchall())
