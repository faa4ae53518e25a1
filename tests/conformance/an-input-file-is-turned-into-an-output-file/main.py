import collections, csv, json
totals = collections.Counter()
with open("data/sales.csv", newline="") as table:
    for row in csv.DictReader(table):
        totals[row["shop"]] += float(row["amount"])
with open("totals.json", "w") as report:
    json.dump(totals, report, sort_keys=True)
