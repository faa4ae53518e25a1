import time
for number in range(3):
    print("x" * 100_000)
    time.sleep(0.05)
