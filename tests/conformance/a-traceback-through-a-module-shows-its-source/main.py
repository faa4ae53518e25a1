import report.table

report.table.widths(["a", None])
