read -r first
echo "first: $first"
wc -l
