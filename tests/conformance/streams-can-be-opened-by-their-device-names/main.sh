echo "to stdout" >/dev/stdout
echo "to stderr" >/dev/stderr
cat /dev/stdin
echo "by number" >/dev/fd/1
