"""Turns orders.csv into summary.json: revenue by region, the best product, and rows that could not be read."""

import csv
import json
from collections import Counter

revenue, products, bad = Counter(), Counter(), []
with open("orders.csv", newline="") as file:
    for line, row in enumerate(csv.DictReader(file), start=2):
        try:
            amount = int(row["quantity"]) * float(row["price"])
        except ValueError:
            bad.append(line)
            continue
        revenue[row["region"]] += amount
        products[row["product"]] += int(row["quantity"])

best, sold = products.most_common(1)[0]
summary = {
    "revenue": {region: round(amount, 2) for region, amount in revenue.most_common()},
    "best_product": {"name": best, "sold": sold},
    "unreadable_lines": bad,
}
with open("summary.json", "w") as file:
    json.dump(summary, file, indent=2)
    file.write("\n")

print(f"{sum(revenue.values()):,.2f} in {len(revenue)} regions; {len(bad)} of the lines could not be read")
