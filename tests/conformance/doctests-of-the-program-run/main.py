def double(x):
    """
    >>> double(2)
    4
    >>> double("ab")
    'ab'
    """
    return x * 2


import doctest
print(doctest.testmod())
