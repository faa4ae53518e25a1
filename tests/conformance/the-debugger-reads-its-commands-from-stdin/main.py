total = 0
for number in (1, 2):
    total += number
breakpoint()
print("total", total)
