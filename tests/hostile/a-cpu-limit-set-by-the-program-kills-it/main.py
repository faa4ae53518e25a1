import resource

resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
print("counting", flush=True)
while True:
    pass
