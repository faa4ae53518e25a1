import os

DONE_AND_MORE = b"\1\0\0\0\x0e\0\0\0\0\0" + b"\1\0\0\0\x0d\0\6\0\0\0\5owned"
flood = DONE_AND_MORE * 5000
for _ in range(200):
    sent = 0
    while sent < len(flood):
        sent += os.write(1, flood[sent:])
os._exit(6)
