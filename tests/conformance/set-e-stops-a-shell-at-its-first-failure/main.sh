set -eu
trap 'echo "cleanup after $?"' EXIT
echo one
(exit 19)
echo never
