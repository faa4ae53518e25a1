import sys
sys.stdout.write("dos\r\nmac\rprogress 1%\rprogress 2%\r\n\x85\u2028\v\f")
