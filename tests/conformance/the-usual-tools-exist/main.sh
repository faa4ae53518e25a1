printf 'id,name\n2,Bob\n1,Ada\n' >t.csv
tail -n +2 t.csv | sort -t, -n | awk -F, '{ printf "%s=%s ", $2, $1 }'; echo
sed -E 's/([A-Z])([a-z]+)/\2\1/' t.csv | grep -c ','
find . -name '*.csv' -print0 | xargs -0 wc -c
date -u -d @0 +%FT%TZ
tar cf - t.csv | gzip -n | gunzip | tar tf -
sha256sum t.csv
