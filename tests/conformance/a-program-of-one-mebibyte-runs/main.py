print('the start of a long program')
