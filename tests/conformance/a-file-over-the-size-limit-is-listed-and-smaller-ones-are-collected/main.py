for name, size in (("a", 600), ("b", 600), ("c", 400), ("d", 1)):
    open(name, "w").write(name * size)
