yes | head -n 1
echo "${PIPESTATUS[@]}"
set -o pipefail
printf '3\n1\n2\n' | sort | (cat; exit 4) | tr '\n' ' '
echo "-> $?"
