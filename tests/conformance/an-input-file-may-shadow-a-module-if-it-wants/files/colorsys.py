WHOSE = 'mine'
