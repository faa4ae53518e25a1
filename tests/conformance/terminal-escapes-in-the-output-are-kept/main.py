import sys
print("\x1b[31mred\x1b[0m \x1b[2J\x1b[H\x1b]0;title\x07\x08\x7f")
print("\x1b[?1049h\x1bc", file=sys.stderr)
