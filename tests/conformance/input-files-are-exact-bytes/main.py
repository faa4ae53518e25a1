import pathlib
for path in sorted(p for p in pathlib.Path(".").rglob("*") if p.is_file() and p.name != "main.py"):
    data = path.read_bytes()
    print(path, len(data), data[:4], sum(data))
