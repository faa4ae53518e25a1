import os

os.mkdir("out")
for name in ("\x1b[2J\x1b[H", "\x1b]0;owned\a", "back\b\b\b\bspace", "carriage\rreturn", "c1\x9b31m", "delete\x7f", "line\nbreak", "right\u202eto left"):
    os.symlink("nowhere", os.path.join("out", name))
