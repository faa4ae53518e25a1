import sys
sys.stdout.buffer.write("Größe €\n".encode("utf-16"))
sys.stderr.buffer.write("\ufeffutf-8 with a mark\n".encode())
