print(sum(number * number for number in range(2_000_000)))
