import sys, time
print("step 1")
print("careful", file=sys.stderr)
print("step 2 of", end=" ")
time.sleep(60)
print("never")
