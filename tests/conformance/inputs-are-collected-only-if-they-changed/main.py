import pathlib
pathlib.Path("same-length.txt").write_text("AFTER!")
with open("grown.txt", "a") as grown:
    grown.write(" and more")
pathlib.Path("rewritten.txt").write_text("before")
pathlib.Path("deleted.txt").unlink()
with open("main.py", "a") as program:
    program.write("# changed")
