set -x
name='two words'
for n in 1 2; do echo "$n $name" | tr a-z A-Z >"out$n"; done
cat out1 out2
