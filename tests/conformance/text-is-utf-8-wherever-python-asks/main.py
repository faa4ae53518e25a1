import locale, os, sys
print(sys.stdin.encoding, sys.stdout.encoding, sys.stderr.encoding, sys.getfilesystemencoding(), locale.getpreferredencoding())
open("größe-日本.txt", "w").write("naïve 🦊")
print(os.listdir(b".")[0] != b"", open("größe-日本.txt", "rb").read(), os.fsencode("größe"))
naïve = "identifiers too"
print(naïve, locale.setlocale(locale.LC_ALL, ""))
