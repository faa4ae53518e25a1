import os
for name in ("EMPTY", "LINES", "QUOTES", "EQUALS", "größe", "lower.case-name"):
    print(name, ascii(os.environ[name]))
