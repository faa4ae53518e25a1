set -euo pipefail
node --eval 'console.log(Number(process.versions.node.split(".")[0]) % 2, new Intl.NumberFormat("de").format(1234.5))'
git init --quiet repository
cd repository
git config user.name me
git config user.email me@example.com
echo needle >haystack
git add haystack
git commit --quiet --message first
git log --format=%s
rg --no-heading needle .
echo '{"a": [1, 2]}' | jq --compact-output .a
curl --silent file://"$PWD"/haystack
curl --version >/dev/null
sqlite3 :memory: 'select 6 * 7'
for archive in cfz cfj cfJ; do tar $archive archive haystack && tar xf archive; done
tar --zstd -cf archive haystack && tar xf archive
zip --quiet archive.zip haystack && unzip -p archive.zip haystack
sed s/needle/thread/ haystack >changed
{ diff --unified haystack changed || true; } | patch --quiet haystack
cat haystack
printf 'all:\n\t@echo made\n' >Makefile && make
file --brief haystack
awk 'BEGIN { print 6 * 7 }'
perl -e 'print "perl\n"'
bc <<<'6 * 7'
python --version | cut -d. -f1
pip --version | cut -d' ' -f1
pip check
for pattern in :lang=ar :lang=ja :lang=de Arial; do fc-match --format '%{family[0]}\n' $pattern; done
openssl dgst -sha256 -r haystack | cut -c1-8
ps --no-headers -o comm= -p $$
which rg less xz tree
