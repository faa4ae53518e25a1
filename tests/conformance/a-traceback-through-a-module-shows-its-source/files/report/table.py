def widths(cells):
    return [len(cell) for cell in cells]
