WHERE = 'lib/inner'
