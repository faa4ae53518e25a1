open("partial.txt", "w").write("as far as it got")
raise RuntimeError("then it failed")
