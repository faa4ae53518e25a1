no-such-command
echo "code $?"
./main.sh
echo "code $?"
cat missing.txt
echo "code $?"
set -u
echo "$unset"
