cat <<END
  sum $((6 * 7)) of $(echo nested "$(echo deep)")
END
cat <<'END'
$literal `text`
END
read -r a b <<<"left right rest"
echo "$b-$a"
diff <(printf '1\n2\n') <(printf '1\n3\n')
echo "code $?"
