print('marked', open('main.py', 'rb').read(3))
