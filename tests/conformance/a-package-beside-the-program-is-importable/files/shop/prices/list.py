from .. import CURRENCY


def price(item):
    return f'{item}: 3 {CURRENCY}'
