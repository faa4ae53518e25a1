"""A loan of 250,000 at 3.9 % over 25 years: what is the monthly rate, and what does it cost in all?"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, getcontext

getcontext().prec = 28
CENT = Decimal("0.01")

principal = Decimal(250_000)
monthly = Decimal("0.039") / 12
months = 25 * 12

rate = (principal * monthly / (1 - (1 + monthly) ** -months)).quantize(CENT, ROUND_HALF_UP)

owed, interest = principal, Decimal(0)
half_paid = None
for month in range(1, months + 1):
    due = (owed * monthly).quantize(CENT, ROUND_HALF_UP)
    interest += due
    owed -= min(rate - due, owed)
    if half_paid is None and owed <= principal / 2:
        half_paid = month

print(f"monthly rate    {rate:>12,}")
print(f"interest in all {interest:>12,}")
print(f"half is paid after {half_paid // 12} years and {half_paid % 12} months")
print(f"a loan taken on {date(2026, 1, 1)} ends on {date(2026 + months // 12, 1, 1)}")
