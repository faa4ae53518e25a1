import decimal, fractions, math
print(2**521 - 1)
print(decimal.Decimal(2).sqrt(decimal.Context(prec=60)), fractions.Fraction(1, 3) ** 20)
print(0.1 + 0.2, 1e22, 5e-324, 1.7976931348623157e308, -0.0, math.inf, math.nan, math.fsum([0.1] * 10))
print(math.sin(1e22), math.exp(1), math.gamma(0.5), math.erf(0.3), (0.1).hex())
