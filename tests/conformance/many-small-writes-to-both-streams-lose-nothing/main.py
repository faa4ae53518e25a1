import os
for number in range(3000):
    os.write(1, b"%d\n" % number)
    os.write(2, b"%d\n" % -number)
