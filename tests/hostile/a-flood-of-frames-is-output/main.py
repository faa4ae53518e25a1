import os

DONE_AND_MORE = b"\x0d\0\0\0\0" + b"\x0c\5\0\0\0owned" + b"\x01\0\0\0\0"
flood = DONE_AND_MORE * 5000
for _ in range(200):
    sent = 0
    while sent < len(flood):
        sent += os.write(1, flood[sent:])
os._exit(6)
