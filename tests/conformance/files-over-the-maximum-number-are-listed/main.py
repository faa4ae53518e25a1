for name in "dcab":
    open(name, "w").write(name)
