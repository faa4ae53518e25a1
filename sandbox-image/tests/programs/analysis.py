import warnings

# A glyph that no font has is a warning.
warnings.simplefilter("error")

import IPython
import matplotlib.pyplot as plt
import numpy
import openpyxl
import pandas
import requests
import scipy.stats
from PIL import Image, features
from sklearn.linear_model import LinearRegression

sales = pandas.read_csv("sales.csv", parse_dates=["day"])
by_region = sales.groupby("region")["amount"].sum()
print(by_region.to_dict())

model = LinearRegression().fit(sales[["units"]], sales["amount"])
print(round(float(model.coef_[0]), 6), round(float(scipy.stats.pearsonr(sales["units"], sales["amount"]).statistic), 6))

by_region.plot.bar()
plt.title("Größe, Ελλάδα, Москва")
plt.xlabel("العربية · עברית")
plt.ylabel("日本語 · 简体中文 · 繁體中文 · 한국어")
plt.savefig("plot.png")
plt.savefig("plot.svg")
plt.savefig("plot.pdf")
with Image.open("plot.png") as picture:
    print(picture.size, features.check("raqm"))

sales.to_excel("sales.xlsx", index=False)
print(openpyxl.load_workbook("sales.xlsx").active.max_row, pandas.read_excel("sales.xlsx").equals(sales))
print(numpy.linalg.solve(numpy.eye(2) * 2, [2.0, 4.0]).tolist(), requests.Request("GET", "http://a/").prepare().method)

IPython.start_ipython(argv=["--no-banner", "--quick", "-c", "%timeit -n1 -r1 pass\nprint('IPython')"])
