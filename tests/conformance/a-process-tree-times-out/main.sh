(echo child; setsid bash -c 'echo grandchild; sleep 60' & sleep 60) &
while [ "$(jobs -p)" ]; do sleep 0.2; done
